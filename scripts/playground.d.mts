/** Builds the playground and the docs beside it into `folder`, which is emptied first, and returns it. */
export function buildPlayground(folder?: string): Promise<string>;

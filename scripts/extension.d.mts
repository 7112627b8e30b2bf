/** Builds the extension into `folder`, which is emptied first, and returns it. */
export function buildExtension(folder?: string): Promise<string>;

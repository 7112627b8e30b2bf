/** Builds the kiosk into `folder`, which is emptied first, and returns it. */
export function buildKiosk(folder?: string): Promise<string>;

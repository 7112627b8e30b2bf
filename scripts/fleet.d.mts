/** Builds the command to examples/fleet/dist, and gives its path. */
export function buildFleet(): Promise<string>;
/** The same for another program, by its path from the repository's root. */
export function bundleFleet(source: string): Promise<string>;

/** The files of a packed tarball, by their paths in the package. */
export function filesOf(tarball: Uint8Array): Map<string, Buffer>;
/** What is wrong with a tarball, in sentences; none where it may be published. */
export function flawsOf(tarball: Uint8Array): string[];
/** The changelog with a date in the heading of `version`. Throws where it has no such heading without a date. */
export function dated(changelog: string, version: string, date: string): string;
/** Packs what was built into `folder`; the tarball's path. */
export function pack(folder: string): string;

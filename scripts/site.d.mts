export function copyLibrary(folder: string): Promise<void>;
export function libraryFiles(): Promise<string[]>;
/** Serves a folder with cross-origin isolation and a strict policy, to this machine alone unless `host` says otherwise. */
export function serveFolder(folder: string, port: number, host?: string): Promise<{ origin: string; close(): void }>;

export function copyLibrary(folder: string): Promise<void>;
export function libraryFiles(): Promise<string[]>;
/** Serves a folder with cross-origin isolation and a strict policy. */
export function serveFolder(folder: string, port: number): Promise<{ origin: string; close(): void }>;

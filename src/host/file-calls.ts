// Node's file system, for code that runs in workers. "node:fs/promises" has its promises made in C++: a worker that is ended in
// such a call can take the whole process with it (an assertion in FileHandle::ClosePromise, Node 20). Callbacks cannot.

import * as fs from "node:fs";
import { promisify } from "node:util";

export const open = promisify(fs.open);
export const close = promisify(fs.close);
export const read = promisify(fs.read);
export const fstat = promisify(fs.fstat);
export const realpath = promisify(fs.realpath);
export const stat = promisify(fs.stat);
export const mkdir = promisify(fs.mkdir);
export const rename = promisify(fs.rename);
export const readFile = promisify(fs.readFile);
export const writeFile = promisify(fs.writeFile);

/** What reading a file takes. */
export interface ReadCalls {
  stat(path: fs.PathLike): Promise<fs.Stats>;
  open(path: fs.PathLike, flags: number): Promise<number>;
  fstat(file: number): Promise<fs.Stats>;
  read(
    file: number,
    target: Uint8Array,
    offset: number,
    length: number,
    from: number,
  ): Promise<{ readonly bytesRead: number }>;
  close(file: number): Promise<void>;
}

export const readCalls: ReadCalls = { stat, open, fstat, read, close };

/** The same without a trip to another thread for each, for a process with nothing else to do meanwhile. */
export const blockingCalls: ReadCalls = {
  stat: async (path) => fs.statSync(path),
  open: async (path, flags) => fs.openSync(path, flags),
  fstat: async (file) => fs.fstatSync(file),
  read: async (...all) => ({ bytesRead: fs.readSync(...all) }),
  close: async (file) => fs.closeSync(file),
};

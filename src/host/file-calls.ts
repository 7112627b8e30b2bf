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

import { randomUUID } from "node:crypto";
import { openSync, readSync, unlinkSync, writeSync } from "node:fs";

/** Where Linux has files that lie in memory alone. */
const FOLDER = "/dev/shm";

/**
 * A file without a name, for the processes that its descriptor is handed to; null where there is no such folder, and in Deno, which would
 * ask its user whether it may be written to.
 */
export function openMemory(): number | null {
  if ("Deno" in globalThis) return null;
  const path = `${FOLDER}/resnet-edge-${randomUUID()}`;
  try {
    const file = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    return file;
  } catch {
    return null;
  }
}

/** Fills `target`; false where the file has less. Waits for no disk: it is memory that is copied. */
export function readMemory(file: number, target: Uint8Array): boolean {
  try {
    return readSync(file, target, 0, target.length, 0) === target.length;
  } catch {
    return false;
  }
}

/** False where there is no room. */
export function writeMemory(file: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(file, bytes, 0, bytes.length, 0) === bytes.length;
  } catch {
    return false;
  }
}

/** Memory of crops, all of one size, which workers see without a copy. It is used again: what is left to V8 is collected late. */
export class CropMemory {
  readonly #spare: Uint8Array[] = [];

  readonly take = (bytes: number): Uint8Array => this.#spare.pop() ?? new Uint8Array(new SharedArrayBuffer(bytes));

  /** Nobody reads it any more. False for memory that is not shared, and so not from here. */
  give(rgb: Uint8Array | Uint8ClampedArray): boolean {
    const isOurs = rgb instanceof Uint8Array && rgb.buffer instanceof SharedArrayBuffer;
    if (isOurs) this.#spare.push(rgb);
    return isOurs;
  }
}

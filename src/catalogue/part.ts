import { constants } from "node:fs";
import { open, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { SourceError } from "../errors.js";
import { readRegular } from "../host/regular-file.js";
import { refuseOther } from "./ordinary.js";

// Links are not followed: see `refuseOther`. Windows has no such flag, and makes links for administrators alone.
const NO_LINKS = constants.O_NOFOLLOW ?? 0;
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | NO_LINKS;
const REPLACE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | NO_LINKS;
/** A state's file is shorter. */
const MOST_STATE_BYTES = 16 << 10;

/** What is known of the file of which there is a part. */
export interface PartState {
  readonly url: string;
  /** A strong tag ties the part to one version of the file; without one it cannot be gone on from. */
  readonly etag: string | null;
  readonly total: number | null;
  /** As the host stated it. */
  readonly sha256: string | null;
}

/** The bytes of a file that is not whole, in `file`, and what is known of it, in `file`.json. */
export class Part {
  private constructor(
    readonly file: string,
    private bytes: number,
    private known: PartState | null,
  ) {}

  static async open(file: string): Promise<Part> {
    await refuseOther(file);
    await refuseOther(`${file}.json`);
    const size = (await stat(file).catch(() => null))?.size ?? 0;
    return new Part(file, size, await readState(`${file}.json`));
  }

  get length(): number {
    return this.bytes;
  }

  get state(): PartState | null {
    return this.known;
  }

  /** Forgets every byte; the state is written once none of an older version is left. */
  async restart(state: PartState): Promise<void> {
    await this.written(async () => {
      if (this.bytes > 0) await truncate(this.file);
      this.bytes = 0;
      this.known = state;
      await writeFile(`${this.file}.json`, JSON.stringify(state), { flag: REPLACE });
    });
  }

  /** Appends what comes; `onBytes` hears how many there are. */
  async append(chunks: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): Promise<void> {
    const file = await this.written(() => open(this.file, APPEND));
    try {
      for await (const chunk of chunks) {
        await this.written(async () => {
          for (let at = 0; at < chunk.length; ) {
            const { bytesWritten } = await file.write(chunk, at);
            at += bytesWritten;
            this.bytes += bytesWritten;
          }
        });
        onBytes(this.bytes);
      }
    } finally {
      await file.close();
    }
  }

  /** The whole file takes its place, all at once. */
  async place(target: string): Promise<void> {
    await this.written(() => rename(this.file, target));
    await this.forget();
  }

  async forget(): Promise<void> {
    this.bytes = 0;
    this.known = null;
    await rm(this.file, { force: true });
    await rm(`${this.file}.json`, { force: true });
  }

  private async written<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
      throw new SourceError(
        full
          ? `The disk is full after ${this.bytes} bytes of ${this.file} (${message}). Make room, and pull again to go on from there.`
          : `${this.file} cannot be written: ${message}. Set XDG_CACHE_HOME to a folder that can.`,
        { cause },
      );
    }
  }
}

/** Null where there is none that can be read: a process may have ended before it had written it. The bytes are of no use then. */
async function readState(file: string): Promise<PartState | null> {
  try {
    const state = JSON.parse(new TextDecoder().decode(await readRegular(file, MOST_STATE_BYTES)));
    const { url, etag, total, sha256 } = state;
    const isText = (value: unknown) => value === null || typeof value === "string";
    const known = typeof url === "string" && isText(etag) && isText(sha256) && (total === null || total >= 0);
    return known ? { url, etag, total, sha256 } : null;
  } catch {
    return null;
  }
}

import { open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { SourceError } from "../errors.js";

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
    const size = (await stat(file).catch(() => null))?.size ?? 0;
    let known: PartState | null = null;
    try {
      known = JSON.parse(await readFile(`${file}.json`, "utf8"));
    } catch {
      // A process that ended before it had written it: the bytes are of no use.
    }
    return new Part(file, size, known);
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
      await writeFile(`${this.file}.json`, JSON.stringify(state));
    });
  }

  /** Appends what comes; `onBytes` hears how many there are. */
  async append(chunks: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): Promise<void> {
    const file = await this.written(() => open(this.file, "a"));
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

import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { SourceError } from "../../errors.js";
import { type FileRecord, recordsOf } from "./records.js";
import type { Result, TextFormat } from "./result.js";
import type { Stamp } from "./stamp.js";

/** What is known of a picture that was classified before. */
export interface Past {
  readonly stamp: Stamp | null;
  readonly failed: boolean;
}

/** How often what was written is asked to be on the disk, and not in the system's memory alone. */
const SYNC_MS = 1000;

/** A text file of results that grows by whole records. */
export class Journal {
  #syncing: Promise<void> = Promise.resolve();
  #synced = performance.now();

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly format: TextFormat,
  ) {}

  /**
   * Opens a file of results, and says what it holds, by image. A last record that was cut off is taken away. `keep` says which
   * images' records may stay: the others are taken out. Throws `SourceError` for a file of anything else, or of another `run`.
   */
  static async open(
    path: string,
    format: TextFormat,
    run: string,
    keep: (past: ReadonlyMap<string, Past>) => Promise<ReadonlySet<string>>,
  ): Promise<{ journal: Journal; past: ReadonlyMap<string, Past> }> {
    const found = await lstat(path).catch(() => null);
    if (found && !found.isFile()) {
      throw new SourceError(`${path} is no ordinary file; name another --output.`);
    }
    const file = await open(path, found ? "r+" : "wx+").catch((cause) => {
      throw new SourceError(`${path} cannot be written: ${cause.message}.`, { cause });
    });
    try {
      const { past, end, twice } = await scan(file, format, run, path);
      const kept = await keep(past);
      const isWhole = !twice && [...past.keys()].every((name) => kept.has(name));
      if (isWhole) {
        await file.truncate(end);
        const journal = new Journal(path, await open(path, "a"), format);
        if (end === 0) await journal.#append(format.head);
        return { journal, past };
      }
      await rewrite(file, path, format, kept);
      const left = new Map([...past].filter(([name]) => kept.has(name)));
      return { journal: new Journal(path, await open(path, "a"), format), past: left };
    } finally {
      await file.close();
    }
  }

  /** The record is the system's once this resolves: a kill of this process loses it no more. */
  async add(result: Result): Promise<void> {
    await this.#append(this.format.write(result));
    const now = performance.now();
    if (now - this.#synced < SYNC_MS) return;
    this.#synced = now;
    await this.#syncing;
    this.#syncing = this.file.datasync();
    // The next call that awaits it hears of a failure.
    this.#syncing.catch(() => {});
  }

  async #append(text: string): Promise<void> {
    await this.file.appendFile(text).catch((cause) => {
      throw new SourceError(
        `${this.path} could not be written: ${cause.message}. Once it can be, the same command goes on from there.`,
        { cause },
      );
    });
  }

  async close(): Promise<void> {
    try {
      await this.#syncing;
      await this.file.sync();
    } finally {
      await this.file.close();
    }
  }
}

/** All results of a journal that nobody writes to. */
export async function* readJournal(path: string, format: TextFormat): AsyncGenerator<Result> {
  const file = await open(path, "r");
  try {
    let isHead = format.head !== "";
    for await (const { text } of recordsOf(file, format.isQuoted, path)) {
      if (!isHead) yield format.read(text);
      isHead = false;
    }
  } finally {
    await file.close();
  }
}

interface Scan {
  readonly past: ReadonlyMap<string, Past>;
  /** Where the last whole record ends. */
  readonly end: number;
  /** An image has two records. */
  readonly twice: boolean;
}

async function scan(file: FileHandle, format: TextFormat, run: string, path: string): Promise<Scan> {
  const past = new Map<string, Past>();
  let end = 0;
  let line = 0;
  let twice = false;
  for await (const record of recordsOf(file, format.isQuoted, path)) {
    line++;
    if (record.end === null) {
      // What was cut off is only taken away where it may have been ours.
      if (line === 1 && !format.canBegin(record.text)) throw foreign(path, line, "it begins otherwise");
      break;
    }
    if (line === 1 && format.head !== "") checkHead(record, format, path);
    else {
      const result = readRecord(record, format, path, line);
      if (result.run !== run) throw otherRun(path, result.run, run);
      twice ||= past.has(result.image);
      past.set(result.image, { stamp: result.stamp, failed: result.error !== undefined });
    }
    end = record.end;
  }
  return { past, end, twice };
}

function checkHead({ text }: FileRecord, { head }: TextFormat, path: string): void {
  if (`${text}\r\n` === head) return;
  if (text.startsWith(head.split(",").slice(0, 4).join())) {
    throw foreign(path, 1, "its columns are others, as with another --top-k or --logits");
  }
  throw foreign(path, 1, "it begins otherwise");
}

function readRecord({ text }: FileRecord, format: TextFormat, path: string, line: number): Result {
  try {
    return format.read(text);
  } catch (cause) {
    throw foreign(path, line, (cause as Error).message.replace(/\.$/, ""), cause);
  }
}

const foreign = (path: string, line: number, why: string, cause?: unknown) =>
  new SourceError(
    `Line ${line} of ${path} is no result of this command: ${why}. Name another --output, or move that file away.`,
    { cause },
  );

function otherRun(path: string, theirs: string, ours: string): SourceError {
  const [theirModel, theirOptions] = theirs.split("-");
  const [model, options] = ours.split("-");
  const what = [
    ...(theirModel === model ? [] : ["another model"]),
    ...(theirOptions === options ? [] : ["other options (labels, --top-k, --min-score, --logits, --preprocess ...)"]),
  ];
  return new SourceError(
    `${path} was begun with ${what.join(" and ")}. Give those again to go on with it, or name another --output.`,
  );
}

/** Writes the last record of each of these images to a new file, which takes the old one's place. */
async function rewrite(file: FileHandle, path: string, format: TextFormat, kept: ReadonlySet<string>): Promise<void> {
  const part = `${path}.part`;
  const next = await open(part, "w");
  const last = new Map<string, number>();
  try {
    let line = 0;
    const isHead = () => line === 1 && format.head !== "";
    for await (const { text, start, end } of recordsOf(file, format.isQuoted, path)) {
      line++;
      if (end !== null && !isHead()) last.set(format.read(text).image, start);
    }
    line = 0;
    for await (const { text, start, end } of recordsOf(file, format.isQuoted, path)) {
      line++;
      if (end === null) break;
      if (isHead()) await next.appendFile(format.head);
      else {
        const result = format.read(text);
        if (kept.has(result.image) && last.get(result.image) === start) await next.appendFile(format.write(result));
      }
    }
    await next.sync();
    await next.close();
    await rename(part, path);
  } catch (error) {
    await next.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

import { lstat, open, rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import { lock } from "../../catalogue/lock.js";
import { OptionError, SourceError } from "../../errors.js";
import type { ListedImage } from "../images.js";
import { type Column, columnsFor } from "./columns.js";
import { csv } from "./csv.js";
import { Journal, type Past, readJournal } from "./journal.js";
import { jsonLines } from "./jsonl.js";
import { readParquet, writeParquet } from "./parquet.js";
import type { Result, TextFormat } from "./result.js";
import { type Stamp, stampOf } from "./stamp.js";

/** How long another command may still have the file. */
const LOCK_MS = 3000;
/** Of a table: each of the best has three columns. */
const MOST_COLUMNS = 100;

const kinds = [".jsonl", ".csv", ".parquet"];

/** Throws `OptionError` for a name of no kind that there is. */
export function checkOutput(path: string, topK: number): void {
  const kind = extname(path).toLowerCase();
  if (!kinds.includes(kind)) throw new OptionError(`--output is "${path}"; it must end in ${kinds.join(", ")}.`);
  if (kind !== ".jsonl" && topK > MOST_COLUMNS) {
    throw new OptionError(`--top-k is ${topK}; a table has at most ${MOST_COLUMNS}, a .jsonl any.`);
  }
}

/**
 * A file of results that can be gone on with: pictures that it has, and that have not changed since, are not to be done again. A
 * Parquet file cannot grow: its results are gathered in lines of JSON beside it, and it is written at the end.
 */
export class ResultsFile {
  /** Pictures that are still to be done, each once. */
  readonly todo: readonly ListedImage[];
  /** Of the pictures that were listed, those that were done before, and those of them that failed. */
  readonly done: number;
  readonly failed: number;
  #added = false;

  private constructor(
    private readonly path: string,
    private readonly journalPath: string,
    private readonly journal: Journal,
    private readonly table: { readonly columns: readonly Column[]; readonly isStale: boolean } | null,
    private readonly unlock: () => Promise<void>,
    images: ReadonlyMap<string, ListedImage>,
    past: ReadonlyMap<string, Past>,
  ) {
    const before = [...images.keys()].flatMap((name) => past.get(name) ?? []);
    this.done = before.length;
    this.failed = before.filter(({ failed }) => failed).length;
    this.todo = [...images.values()].filter(({ name }) => !past.has(name));
  }

  static async open(
    path: string,
    listed: readonly ListedImage[],
    run: string,
    topK: number,
    logits: boolean,
  ): Promise<ResultsFile> {
    const images = new Map(listed.map((image) => [image.name, image]));
    const kind = extname(path).toLowerCase();
    const columns = columnsFor(topK, logits);
    const format: TextFormat = kind === ".csv" ? csv(columns) : jsonLines;
    const unlock = await lockFor(path);
    try {
      const journalPath = kind === ".parquet" ? `${path}.part.jsonl` : path;
      const isNew = kind === ".parquet" && (await beginJournal(path, journalPath, columns));
      const keep = (past: ReadonlyMap<string, Past>) => current(past, images);
      const { journal, past } = await Journal.open(journalPath, format, run, keep);
      const table = kind === ".parquet" ? { columns, isStale: !isNew } : null;
      return new ResultsFile(path, journalPath, journal, table, unlock, images, past);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  async add(result: Result): Promise<void> {
    this.#added = true;
    await this.journal.add(result);
  }

  /** `isWhole`: nothing is left to be done. */
  async close(isWhole: boolean): Promise<void> {
    try {
      await this.journal.close();
      if (!this.table || !isWhole) return;
      if (this.#added || this.table.isStale) {
        await writeParquet(this.path, this.table.columns, readJournal(this.journalPath, jsonLines));
      }
      await rm(this.journalPath);
    } finally {
      await this.unlock();
    }
  }
}

async function lockFor(path: string): Promise<() => Promise<void>> {
  try {
    return await lock(`${path}.lock`, AbortSignal.timeout(LOCK_MS));
  } catch (cause) {
    if ((cause as Error).name === "TimeoutError") {
      throw new SourceError(`Another command writes ${path}. Wait for it, or name another --output.`, { cause });
    }
    throw new SourceError(`${path} cannot be written: ${(cause as Error).message.split(". Set ")[0]}.`, { cause });
  }
}

/** Where a Parquet file is whole, its results become the journal that it is gone on with. True where they are all that is in it. */
async function beginJournal(path: string, journalPath: string, columns: readonly Column[]): Promise<boolean> {
  const exists = async (file: string) => (await lstat(file).catch(() => null)) !== null;
  if ((await exists(journalPath)) || !(await exists(path))) return false;
  const part = `${journalPath}.part`;
  const file = await open(part, "w");
  try {
    for await (const result of readParquet(path, columns)) await file.appendFile(jsonLines.write(result));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, journalPath);
  return true;
}

/** Images whose results are still right: those of files as they are now, and of what is not listed this time. */
async function current(
  past: ReadonlyMap<string, Past>,
  images: ReadonlyMap<string, ListedImage>,
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const [name, { stamp, failed }] of past) {
    const image = images.get(name);
    if (!image || (image.path instanceof URL ? !failed : isSame(stamp, await stampOf(image)))) kept.add(name);
  }
  return kept;
}

/** Times may be a millisecond apart: Node rounds a file's to the next one, Bun and Deno cut it off. */
function isSame(a: Stamp | null, b: Stamp | null): boolean {
  if (!a || !b) return a === b;
  return a.bytes === b.bytes && Math.abs(Date.parse(a.modified) - Date.parse(b.modified)) <= 1;
}

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, opendir, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { writeWhole } from "./files.js";
import { baseOf } from "./pictures.js";

/** What a run's folder says of it: all machines share that folder. */
export interface Run {
  /** Of the listing, the model and the options: names the queue as well. */
  readonly id: string;
  /** SHA-256 of the model file. */
  readonly model: string;
  /** The folder or address that the listing's names begin from. */
  readonly base: string;
  readonly topK: number;
  readonly shardSize: number;
  readonly pictures: number;
}

/** Some pictures of the listing that lie together: what one job is about. */
export interface Shard {
  readonly index: number;
  /** Bytes of the listing. */
  readonly start: number;
  readonly end: number;
  readonly pictures: number;
}

export interface Wanted {
  /** A folder, or a file with a name or an address a line. */
  readonly from: string;
  /** What a listing's names begin from; a folder's begin from the folder. */
  readonly base: string | undefined;
  readonly model: string;
  readonly topK: number;
  readonly shardSize: number;
}

const listingOf = (folder: string) => join(folder, "listing.txt");
const runOf = (folder: string) => join(folder, "run.json");
const isImage = (name: string) => /\.(jpe?g|png|webp|gif|bmp|avif|tiff?)$/i.test(name);

export async function hashOf(path: string): Promise<string> {
  return hashed(createHash("sha256"), path);
}

async function hashed(hash: Hash, path: string): Promise<string> {
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

/** Begins a run, or goes on with the one that the folder has; throws where that is another. */
export async function beginRun(folder: string, { from, base, model, topK, shardSize }: Wanted): Promise<Run> {
  await mkdir(folder, { recursive: true });
  const isFolder = (await stat(from)).isDirectory();
  const old = await readRun(folder);
  // What is in a folder may be more by now; a run is over the pictures that it began with.
  if (!old)
    await writeWhole(listingOf(folder), async (file) => writeFile(file, isFolder ? walk(from, from) : lines(from)));
  let pictures = 0;
  for await (const shard of shardsOf(folder, shardSize)) pictures += shard.pictures;
  if (pictures === 0) throw new Error(`${from} names no pictures.`);
  const said = { model: await hashOf(model), base: baseOf(base ?? (isFolder ? from : ".")), topK, shardSize };
  const id = (await hashed(createHash("sha256").update(JSON.stringify(said)), listingOf(folder))).slice(0, 16);
  const run: Run = { id, ...said, pictures };
  if (old && old.id !== id) {
    throw new Error(
      `${folder} has a run with another model or other options; name another --run, or give those again.`,
    );
  }
  if (!old) await writeWhole(runOf(folder), (file) => file.writeFile(JSON.stringify(run, null, 2)));
  return run;
}

/** Null where no run has begun yet. */
export async function readRun(folder: string): Promise<Run | null> {
  try {
    return JSON.parse(await readFile(runOf(folder), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The pictures of a folder and all folders in it, sorted within each, a line each. */
async function* walk(root: string, folder: string): AsyncGenerator<string> {
  const entries = [];
  for await (const entry of await opendir(folder)) entries.push(entry);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile() && isImage(entry.name)) {
      if (/[\r\n]/.test(path)) throw new Error(`${JSON.stringify(path)} has a line end in its name; rename it.`);
      yield `${relative(root, path)}\n`;
    }
  }
}

async function* lines(path: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line !== "") yield `${line}\n`;
  }
}

/** The listing in shards of `size` pictures, the last one of fewer; it is read once, piece by piece. */
export async function* shardsOf(folder: string, size: number): AsyncGenerator<Shard> {
  let [index, start, at, pictures] = [0, 0, 0, 0];
  for await (const piece of createReadStream(listingOf(folder), { highWaterMark: 1 << 20 })) {
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, end + 1)) {
      if (++pictures < size) continue;
      yield { index: index++, start, end: at + end + 1, pictures };
      start = at + end + 1;
      pictures = 0;
    }
    at += piece.length;
  }
  if (pictures > 0) yield { index, start, end: at, pictures };
}

/** The names in a shard, in the listing's order. */
export async function namesIn(folder: string, { start, end }: Shard): Promise<string[]> {
  const file = await open(listingOf(folder));
  try {
    const bytes = Buffer.alloc(end - start);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
      if (bytesRead === 0) throw new Error(`${listingOf(folder)} is shorter than it was.`);
      at += bytesRead;
    }
    // A name may end in a space: only the line's end goes.
    return bytes.toString().split("\n").slice(0, -1);
  } finally {
    await file.close();
  }
}

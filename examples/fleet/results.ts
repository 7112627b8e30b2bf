import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Prediction } from "resnet-edge";
import { writeWhole } from "./files.js";
import { namesIn, type Run, type Shard, shardsOf } from "./run.js";

/** What became of a picture: a line of the results. */
export type Result =
  | { readonly image: string; readonly predictions: readonly Prediction[] }
  | { readonly image: string; readonly error: { readonly name: string; readonly message: string } };

const FILES_A_FOLDER = 1000;
const partsOf = (folder: string) => join(folder, "parts");
export const mergedIn = (folder: string) => join(folder, "results.jsonl");

function partOf(folder: string, index: number): string {
  const group = Math.floor(index / FILES_A_FOLDER);
  return join(partsOf(folder), `${group}`.padStart(4, "0"), `${`${index}`.padStart(7, "0")}.jsonl`);
}

/** What a file or folder gives, or `other` where there is none. */
const orElse = <T>(found: Promise<T>, other: T) =>
  found.catch((error) => {
    if (error.code === "ENOENT") return other;
    throw error;
  });

export const exists = (path: string) =>
  orElse(
    stat(path).then(() => true),
    false,
  );

export const isDone = (folder: string, { index }: Shard) => exists(partOf(folder, index));

/** A shard's results: all of them, or no file. */
export async function writePart(folder: string, { index }: Shard, results: readonly Result[]): Promise<void> {
  const path = partOf(folder, index);
  await mkdir(dirname(path), { recursive: true });
  const text = results.map((result) => `${JSON.stringify(result)}\n`).join("");
  await writeWhole(path, (file) => file.writeFile(text));
}

/** The shards that have no results yet; a folder of them is listed once. */
export async function* shardsLeft(folder: string, { shardSize }: Run): AsyncGenerator<Shard> {
  let present: ReadonlySet<string> = new Set();
  for await (const shard of shardsOf(folder, shardSize)) {
    const part = partOf(folder, shard.index);
    if (shard.index % FILES_A_FOLDER === 0) present = new Set(await orElse(readdir(dirname(part)), []));
    if (!present.has(basename(part))) yield shard;
  }
}

/**
 * All results in the listing's order, in one file. Throws where a shard's results are not those of its pictures, each once. Gives
 * the number of pictures that failed.
 */
export async function merge(folder: string, { shardSize }: Run): Promise<number> {
  let failed = 0;
  await writeWhole(mergedIn(folder), async (file) => {
    for await (const shard of shardsOf(folder, shardSize)) {
      const part = partOf(folder, shard.index);
      const text = await readFile(part, "utf8");
      const results = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Result);
      const names = await namesIn(folder, shard);
      const wrong = names.findIndex((name, at) => results[at]?.image !== name);
      if (wrong >= 0 || results.length !== names.length) {
        throw new Error(`${part} has not the results of its pictures; remove it, and produce again.`);
      }
      failed += results.filter((result) => "error" in result).length;
      await file.appendFile(text);
    }
  });
  return failed;
}

/** Takes away the results that a run before left, so that workers do not take it for over. */
export const reopen = (folder: string) => rm(mergedIn(folder), { force: true });

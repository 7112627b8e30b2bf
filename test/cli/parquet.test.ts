import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { columnsFor } from "../../src/cli/archive/columns.js";
import { readParquet, writeParquet } from "../../src/cli/archive/parquet.js";
import type { Result } from "../../src/cli/archive/result.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquet-"));
});
afterAll(() => rm(folder, { recursive: true }));

const columns = columnsFor(1, false);

/** `count` pictures that failed, more than are held at a time, and then perhaps an error. */
async function* results(count: number, end?: Error): AsyncGenerator<Result> {
  for (let index = 0; index < count; index++) {
    yield { image: `${index}.jpg`, stamp: null, run: "a-b", error: { name: "Error", message: "none" } };
  }
  if (end) throw end;
}

test("results that end in an error leave no file, and none that was begun", async () => {
  const path = join(folder, "cut.parquet");
  await expect(writeParquet(path, columns, results(10_001, new Error("the disk")))).rejects.toThrow("the disk");
  expect(await readdir(folder)).toEqual([]);
});

test("nor does a name that is taken", async () => {
  const path = join(folder, "taken.parquet");
  await mkdir(join(path, "within"), { recursive: true });
  await expect(writeParquet(path, columns, results(3))).rejects.toThrow();
  expect(await readdir(folder)).toEqual(["taken.parquet"]);
  await rm(path, { recursive: true });
});

test("what is written is read again", async () => {
  const path = join(folder, "whole.parquet");
  await writeParquet(path, columns, results(10_001));
  let count = 0;
  for await (const { image } of readParquet(path, columns)) expect(image).toBe(`${count++}.jpg`);
  expect(count).toBe(10_001);
  expect(await readdir(folder)).toEqual(["whole.parquet"]);
});

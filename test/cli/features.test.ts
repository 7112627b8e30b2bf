import { mkdir, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { root } from "../built.js";
import { command } from "./command.js";

const photo = fileURLToPath(new URL("examples/photos/cat.jpg", root));

test.each([
  [["embed", photo], "embed needs --output FILE with a name that ends in .npy, .jsonl or .parquet"],
  [["embed", photo, "--output", "v.csv"], "its name must end in .npy, .jsonl or .parquet"],
  [["embed", "--output", "v.npy"], "at least one image"],
  [["embed", photo, "--output", "v.npy", "--top-k", "3"], "embed takes no --top-k"],
  [["explain", photo], "explain needs --output FILE.png"],
  [["explain", photo, photo, "--output", "w.png"], "explain takes one image; got 2"],
  [["explain", photo, "--output", "w.png", "--index", "-1"], "index"],
  [["explain", photo, "--output", "w.png", "--index", "110"], "below 110"],
  [["teach", "examples", "--output", "t.safetensors", "--holdout", "1"], "it must be a share from 0 to 0.9"],
  [["teach", "examples"], "teach needs --output FILE.safetensors"],
  [["teach", "models", "--output", "t.safetensors"], "teach needs one for each class"],
  [["teach", "a", "b", "--output", "t.safetensors"], "teach takes one folder"],
  [["explain", photo, "--output", "w.png", "--method", "gradient"], 'method is "gradient"'],
])("%j is a usage error", async (words, message) => {
  const result = await command(...words);
  expect(result.stderr).toContain(message);
  expect(result.code).toBe(2);
});

// The bundled model; the lines are what the other format is compared with.
test("embed writes the same vectors as lines and as Parquet; a file that fails leaves none", {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "embed-"));
  const photos = ["cat.jpg", "horse.png"].map((name) => fileURLToPath(new URL(`examples/photos/${name}`, root)));
  const lines = await command("embed", ...photos, "--output", join(folder, "v.jsonl"));
  expect(lines.code, lines.stderr).toBe(0);
  const text = await readFile(join(folder, "v.jsonl"), "utf8");
  const expected = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(expected.map(({ image }) => image)).toEqual(photos);

  const output = join(folder, "v.parquet");
  const result = await command("embed", photos[0]!, "nowhere.png", photos[1]!, "--output", output);
  expect([result.code, result.stdout]).toEqual([1, `${photos.join("\n")}\n`]);
  const file = await asyncBufferFromFile(output);
  expect(await parquetReadObjects({ file })).toEqual(expected);
  const { schema } = await parquetMetadataAsync(file);
  expect(schema.map(({ name, type }) => [name, type])).toEqual([
    ["root", undefined],
    ["image", "BYTE_ARRAY"],
    ["embedding", undefined],
    ["list", undefined],
    ["element", "FLOAT"],
  ]);

  const none = await command("embed", photos[0]!, "--output", join(folder, "absent", "v.parquet"));
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/ENOENT/);
  // A name that is taken fails once the file is written beside it.
  await mkdir(join(folder, "taken.parquet", "within"), { recursive: true });
  const taken = await command("embed", photos[0]!, "--output", join(folder, "taken.parquet"));
  expect(taken.code).toBe(1);
  expect((await readdir(folder)).sort()).toEqual(["taken.parquet", "v.jsonl", "v.parquet"]);
});

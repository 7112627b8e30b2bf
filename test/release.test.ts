import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { dated, filesOf, flawsOf, pack } from "../scripts/release.mjs";
import { root } from "./built.js";

/** A tarball as npm packs one. */
function tarballOf(files: Iterable<readonly [path: string, bytes: Uint8Array]>): Uint8Array {
  const blocks: Buffer[] = [];
  for (const [path, bytes] of files) {
    const header = Buffer.alloc(512);
    header.write(`package/${path}`, 0);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("0", 156);
    header.write("ustar\0", 257);
    blocks.push(header, Buffer.from(bytes), Buffer.alloc(-bytes.length & 511));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 1 });
}

test("what npm packs may be published, and what is wrong with it would be named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pack-"));
  const bytes = await readFile(pack(folder));
  await rm(folder, { recursive: true });
  expect(flawsOf(bytes)).toEqual([]);
  const files = filesOf(bytes);
  const model = files.get("dist/cifar110-resnet20x2.int8.safetensors")!;
  expect(model.equals(await readFile(new URL("models/cifar110-resnet20x2.int8.safetensors", root)))).toBe(true);
  // Every file that package.json names as an entry.
  const { exports, bin, types } = JSON.parse(files.get("package.json")!.toString());
  const entries = JSON.stringify([exports, bin, types]).match(/"(\.\/)?(bin|dist)\/[^"]+"/g)!;
  for (const entry of entries) expect(files.has(JSON.parse(entry).replace("./", "")), entry).toBe(true);

  const flawed = new Map<string, Uint8Array>(files);
  flawed.delete("dist/worker.js");
  flawed.set("models/again.safetensors", model);
  flawed.set("test/cpu/kernels.test.ts", new Uint8Array(10));
  flawed.set("dist/large.js", new Uint8Array(5 << 20));
  expect(flawsOf(tarballOf(flawed))).toEqual([
    "dist/worker.js is missing.",
    expect.stringMatching(/safetensors is the same model as .*safetensors/),
    "test/cpu/kernels.test.ts does not belong into the package.",
    expect.stringMatching(/has \d+ bytes/),
    expect.stringMatching(/unpacks to \d+ bytes/),
  ]);
});

test("a release has its date in the changelog, once", () => {
  const text = "# Changelog\n\n## 0.1.0 (unreleased)\n\n- A line.\n";
  const released = dated(text, "0.1.0", "2027-01-31");
  expect(released).toBe("# Changelog\n\n## 0.1.0 (2027-01-31)\n\n- A line.\n");
  expect(() => dated(released, "0.1.0", "2027-02-01")).toThrow('no heading "## 0.1.0 (unreleased)"');
});

test("the package says where it lives, everywhere the same", async () => {
  const { repository, bugs, homepage } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  const address = repository.url.replace(/^git\+/, "").replace(/\.git$/, "");
  expect(address).toMatch(/^https:\/\/github\.com\/[\w-]+\/resnet-edge$/);
  expect([bugs.url, homepage]).toEqual([`${address}/issues`, `${address}#readme`]);
});

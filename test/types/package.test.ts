import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { expect, test } from "vitest";
import { pack } from "../../scripts/release.mjs";
import { root } from "../built.js";

test("Are The Types Wrong has nothing to say of the package, read as a module", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pack-"));
  const tarball = createPackageFromTarballData(new Uint8Array(await readFile(pack(folder))));
  await rm(folder, { recursive: true });
  const result = await checkPackage(tarball);
  if (!result.types) throw new Error("The package has no types.");
  // The package is of ES modules alone: its tool's own profile for those passes over these two.
  const old = new Set(["node10", "node16-cjs"]);
  const problems = result.problems.filter((it) => !("resolutionKind" in it && old.has(it.resolutionKind)));
  expect(problems).toEqual([]);
});

test("publint has nothing to say of the package", async () => {
  const { messages } = await publint({ pkgDir: fileURLToPath(root), pack: "npm" });
  expect(messages).toEqual([]);
});

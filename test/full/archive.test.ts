import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { archive, killAndResume, resultsIn } from "../cli/archive-pictures.js";
import { command } from "../cli/command.js";

const folder = mkdtempSync(join(tmpdir(), "archive-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("killed at random 50 times, and gone on with each time: as one undisturbed run", async () => {
  const pictures = archive(join(folder, "pictures"), 200);
  const [whole, killed] = [join(folder, "whole.jsonl"), join(folder, "killed.jsonl")];
  expect((await command("classify", pictures, "--output", whole)).code).toBe(0);
  const result = await killAndResume(["classify", pictures, "--output", killed], killed, 50, Date.now());
  expect(result.code).toBe(0);
  expect(resultsIn(killed)).toEqual(resultsIn(whole));
}, 600_000);

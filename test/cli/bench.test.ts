import { describe, expect, test } from "vitest";
import { readSaved } from "../../src/bench/saved.js";
import { command } from "./command.js";

const small = ["bench", "--arch", "resnet20", "--runs", "3"];

test("--json: the format that the bench page reads, and what the figures depend on", async () => {
  const { stdout } = await command(...small, "--threads", "2", "examples/photos/cat.jpg", "--sustained", "1", "--json");
  const [summary] = readSaved(stdout, "stdout");
  expect(summary!.networks[0]).toMatchObject({ name: "resnet20-cifar", input: [32, 32] });
  expect(summary!.networks[0]!.configurations[0]!.name).toMatch(/2 threads/);
  const found = JSON.parse(stdout);
  expect(found.machine.cores).toBeGreaterThan(0);
  expect(found.machine.runtime).toBe(`Node ${process.versions.node}`);
  expect(found).toMatchObject({ threads: 2, runs: 3 });
  expect(found.ms.low).toBeLessThanOrEqual(found.ms.median);
  const shares = [...found.stages, ...found.ops].map(({ share }: { share: number | null }) => share);
  for (const share of shares.filter((it) => it !== null)) expect(share).toBeLessThanOrEqual(1);
  expect(shares.filter((it) => it !== null && it > 0.01).length).toBeGreaterThan(10);
  expect(found.endToEnd.pictures).toEqual(["examples/photos/cat.jpg"]);
  expect(found.endToEnd.whole.median).toBeGreaterThan(found.endToEnd.decode.median);
  expect(found.sustained.points.length).toBeGreaterThan(0);
});

test("--markdown: tables, their threads and sums", async () => {
  const { stdout, code } = await command(...small, "--markdown");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^## resnet20-cifar: [\d.]+ ms\n/);
  expect(stdout).toMatch(/### Stages, with 1 thread\n/);
  expect(stdout).toMatch(/\| stage \| ms \| GFLOP\/s \| of roof \|\n\| --- \| ---: \| ---: \| ---: \|\n/);
  expect(stdout).toMatch(/\| sum \| [\d.]+ \|/);
  expect(stdout).toMatch(/\| whole \| [\d.]+ \|/);
  expect(stdout).toContain(`Node ${process.versions.node}`);
});

describe("--compare", () => {
  test("in turns, and no word of a winner after so few rounds", async () => {
    const words = ["--compare", "name=one,threads=1", "--compare", "name=*two*,threads=1", "--rounds", "2"];
    const [text, json] = [await command(...small, ...words, "--markdown"), await command(...small, ...words, "--json")];
    expect(text.stdout).toMatch(/No difference measured between .* measure again\. 2 rounds are too few/);
    expect(text.stdout).toContain("\\*two\\*");
    const { comparison } = JSON.parse(json.stdout);
    expect(comparison.verdict.winner).toBe(null);
    expect(comparison.configurations.map(({ rounds }: { rounds: number[] }) => rounds.length)).toEqual([2, 2]);
    expect(
      readSaved(json.stdout, "stdout")[0]!
        .networks[0]!.configurations.map(({ name }) => name)
        .slice(1),
    ).toEqual(["one", "*two*"]);
  });

  test.each([
    [["--compare", "threads=1"], /at least two/],
    [["--compare", "threads=1", "--compare", "threads=1"], /"threads=1" twice/],
    [["--compare", "threads=1", "--compare", "colour=red"], /no "colour"/],
    [["--compare", "threads=1", "--compare", "simd=best"], /simd/],
    [["--compare", "threads=1", "--compare", "anything"], /name=value/],
    [["--rounds", "3"], /--rounds is of --compare/],
    [["--sustained", "soon"], /--sustained/],
    [["--sustained", "1000000"], /86400/],
    [["--json", "--markdown"], /exclude/],
    [["nowhere.jpg"], /nowhere\.jpg/],
  ])("%j is refused", async (words, message) => {
    const result = await command(...small, ...words);
    expect(result.code).toBeGreaterThan(0);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(message);
  });
});

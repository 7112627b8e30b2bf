import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { root } from "../built.js";
import { archive, resultsIn } from "../cli/archive-pictures.js";

const path = (name: string) => fileURLToPath(new URL(name, root));
const folder = mkdtempSync(join(tmpdir(), "resnet-edge-runtimes-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** From where `npm run test:hosts` installs it, or from the path; null where it is in neither. */
function found(name: string): string | null {
  const places = [path("test/hosts/node_modules/.bin"), ...(process.env.PATH ?? "").split(delimiter)];
  return places.map((place) => join(place, name)).find((file) => existsSync(file)) ?? null;
}

const runtimes: [name: string, file: string | null, words: string[]][] = [
  ["node", process.execPath, []],
  ["bun", found("bun"), []],
  ["deno", found("deno"), ["run", "--quiet", "--no-lock", "--allow-all"]],
];

function run(file: string, words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // Killed: what hangs may hear nothing.
    execFile(file, words, { timeout: 20_000, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}\n${stdout}`)) : resolve(stdout),
    );
  });
}

/** Well below what a forgotten timer of one second takes, and well above the end of a process. */
const AT_ONCE_MS = 800;

const script = path("test/hosts/runtime/end.mjs");
const model = path("models/cifar10-resnet20.safetensors");
const bin = path("bin/resnet-edge.js");
const many = archive(join(folder, "many"), 40);
const label = (name: string) =>
  ({ cat: "cat", coffee: "worm", horse: "horse", rocket: "rocket" })[/-(\w+)\./.exec(name)![1]!];
const labels = readdirSync(many).map(label);

for (const [name, file, words] of runtimes) {
  const absent = file ? "" : " (skipped: it is not installed; npm run test:hosts does so)";
  describe.skipIf(!file)(`${name}${absent}`, () => {
    test.each(["apart", "in-place"])("a script whose model is %s ends once it is closed", async (place) => {
      const text = await run(file!, [...words, script, place, path("examples/photos/cat.jpg")]);
      const late = Date.now();
      const { label, closed } = JSON.parse(text);
      expect(label).toBe("cat");
      expect(late - closed).toBeLessThan(AT_ONCE_MS);
    });

    test("the command classifies a folder in several workers, and ends, each time", async () => {
      // Deno's fault came in two of three runs; Node never had it.
      for (let time = 0; time < (name === "node" ? 1 : 4); time++) {
        const lines = await run(file!, [...words, bin, "classify", many, "--json", "--threads", "2"]);
        const results = lines
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
        expect(results.map(({ predictions }) => predictions[0].label)).toEqual(labels);
      }
    });

    test("figures are said to be this runtime's", async () => {
      const result = JSON.parse(await run(file!, [...words, bin, "bench", "--model", model, "--runs", "1", "--json"]));
      expect(result.machine.runtime.toLowerCase()).toMatch(new RegExp(`^${name} \\d`));
    });

    test("the command ends where it is interrupted, and goes on", async () => {
      const output = join(folder, `${name}.jsonl`);
      const large = archive(join(folder, "large"), 400);
      const command = [...words, bin, "classify", large, "--output", output];
      const child = spawn(file!, command, { stdio: ["ignore", "ignore", "pipe"] });
      let stderr = "";
      child.stderr.on("data", (text) => {
        stderr += text;
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      onTestFinished(() => void child.kill("SIGKILL"));
      while (!existsSync(output) || statSync(output).size < 1000)
        await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill("SIGINT");
      expect(await ended).toBe(130);
      expect(stderr).toMatch(/interrupted; the same command goes on from there/);
      const done = resultsIn(output).length;
      const rest = JSON.parse(await run(file!, [...command, "--json"]));
      expect(rest).toMatchObject({ images: 400 - done, before: done });
    });
  });
}

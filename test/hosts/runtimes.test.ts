import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../built.js";

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
const photos = ["cat.jpg", "horse.png"] as const;
const many = mkdtempSync(join(folder, "many-"));
for (let copy = 0; copy < 20; copy++)
  for (const photo of photos) copyFileSync(path(`examples/photos/${photo}`), join(many, `${copy}-${photo}`));

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
      for (let time = 0; time < 4; time++) {
        const command = [...words, path("bin/resnet-edge.js"), "classify", many, "--json", "--threads", "2"];
        const lines = (await run(file!, command)).trim().split("\n");
        const labels = lines.map((line) => JSON.parse(line).predictions[0].label);
        expect(labels.filter((label) => label === "cat")).toHaveLength(20);
        expect(labels.filter((label) => label === "horse")).toHaveLength(20);
      }
    });
  });
}

import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { root } from "../built.js";
import { data, noData } from "./data.js";

const folder = new URL("hostile/", data);
const reason = noData || (process.platform === "linux" ? "" : " (skipped: memory is measured by /proc)");
const names = reason || !existsSync(folder) ? [] : readdirSync(folder).filter((name) => name !== "README.md");
const file = (name: string) => fileURLToPath(new URL(name, folder));
const here = (name: string) => fileURLToPath(new URL(`test/acceptance/${name}`, root));

const MOST_MS = 2000;
const mostBytes = (name: string) => 4 * statSync(file(name)).size + 64e6;

interface Outcome {
  readonly file: string;
  readonly ms: number;
  readonly grown: number;
  readonly logits?: readonly number[];
  readonly typed?: boolean;
  readonly name?: string;
  readonly message?: string;
}

describe.skipIf(names.length === 0)(`files that are meant to do harm${reason}`, () => {
  test.each(["path", "response"])(
    "by the library, as a %s: right or a typed error, in 2 s and four times the size plus 64 MB",
    async (way) => {
      const args = [
        "--expose-gc",
        here("hostile-child.mjs"),
        new URL("dist/node.js", root).href,
        way,
        ...names.map(file),
      ];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 250_000, maxBuffer: 1e8 });
      const outcomes = new Map<string, Outcome>();
      for (const line of stdout.trim().split("\n")) {
        const outcome: Outcome = JSON.parse(line);
        outcomes.set(outcome.file.split("/").at(-1)!, outcome);
      }
      expect([...outcomes.keys()].sort()).toEqual([...names].sort());
      for (const [name, { ms, grown, logits, typed, name: error, message }] of outcomes) {
        expect(logits?.every(Number.isFinite) ?? typed, `${name}: ${error}: ${message}`).toBe(true);
        expect(ms, name).toBeLessThanOrEqual(MOST_MS);
        expect(grown, name).toBeLessThanOrEqual(mostBytes(name));
      }
      // Odd, but sound: the same network as the file that they were made from.
      const sound = outcomes.get("ok.pth")!.logits;
      expect(sound).toHaveLength(3);
      for (const name of ["ok-legacy.pth", "z04-traversal.pth", "z07-zip64.pth"]) {
        expect(outcomes.get(name)!.logits, name).toEqual(sound);
      }
      const worst = (of: (it: Outcome) => number) => Math.max(...[...outcomes.values()].map(of));
      console.log(
        `worst of ${names.length}: ${worst((it) => it.ms)} ms, ${(worst((it) => it.grown) / 1e6).toFixed(0)} MB`,
      );
    },
    300_000,
  );

  test("by the command: exit 0, or 1 with one line that names the error, in the same bounds", async () => {
    const inspect = (name: string) =>
      new Promise<{ code: number | null; stderr: string; ms: number; peak: number }>((resolve) => {
        const args = [
          "--import",
          here("usage.mjs"),
          fileURLToPath(new URL("bin/resnet-edge.js", root)),
          "inspect",
          file(name),
        ];
        const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "pipe"], timeout: 60_000 });
        let stderr = "";
        let usage = "";
        child.stdio[2]!.on("data", (text) => (stderr += text));
        child.stdio[3]!.on("data", (text) => (usage += text));
        child.on("close", (code) => resolve({ code, stderr, ...JSON.parse(usage || '{"ms":1e9,"peak":1e15}') }));
      });
    const usual = await inspect("ok.safetensors");
    expect(usual.code, usual.stderr).toBe(0);
    const waiting = [...names];
    const turn = async () => {
      for (let name = waiting.pop(); name; name = waiting.pop()) {
        const { code, stderr, ms, peak } = await inspect(name);
        if (code !== 0) expect(`${code} ${stderr}`, name).toMatch(/^1 resnet-edge: \w+Error: [^\n]+\n$/);
        expect(stderr, name).not.toMatch(/not an error that was foreseen/);
        expect(ms - usual.ms, name).toBeLessThanOrEqual(MOST_MS);
        expect(peak - usual.peak, name).toBeLessThanOrEqual(mostBytes(name));
      }
    };
    await Promise.all([turn(), turn()]);
  }, 300_000);
});

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { root } from "../built.js";
import { generator } from "../random.js";
import { command } from "./command.js";

const photos = ["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"];

/** A folder of photographs under many names. */
export function archive(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const name = photos[index % photos.length]!;
    const source = fileURLToPath(new URL(`examples/photos/${name}`, root));
    copyFileSync(source, join(folder, `${String(index).padStart(4, "0")}-${name}`));
  }
  return folder;
}

/** Results as a resumed run must have them too: times differ between any two runs. */
export function resultsIn(path: string): unknown[] {
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => ({ ...JSON.parse(line), ms: undefined }));
}

function start(words: readonly string[]): { child: ChildProcess; ended: Promise<unknown> } {
  const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
  const child = spawn(process.execPath, [bin, ...words], { stdio: "ignore" });
  return { child, ended: new Promise((resolve) => child.on("exit", resolve)) };
}

/** Runs a command that is killed at random moments, `kills` times, and then to its end; a part of a line may be left each time. */
export async function killAndResume(words: readonly string[], output: string, kills: number, seed: number) {
  const next = generator(seed);
  let undisturbedMs = 1000;
  for (let kill = 0; kill < kills; kill++) {
    const { child, ended } = start(words);
    const begin = performance.now();
    const isOver = await Promise.race([ended, sleep(next() * undisturbedMs).then(() => "late")]);
    if (isOver !== "late") undisturbedMs = performance.now() - begin;
    child.kill("SIGKILL");
    await ended;
    if (!existsSync(output)) continue;
    // What a machine that lost its power leaves: any number of bytes. After a run that came to its end much is taken away.
    const { length } = readFileSync(output);
    if (isOver !== "late") truncateSync(output, Math.floor(length * next()));
    else if (next() < 0.5) truncateSync(output, Math.max(0, length - Math.floor(60 * next())));
  }
  return command(...words);
}

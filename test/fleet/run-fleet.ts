import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFleet } from "../../scripts/fleet.mjs";
import { generator } from "../random.js";

const command = await buildFleet();

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function fleet(...words: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [command, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (piece) => {
      text[stream] += piece;
    });
  }
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, ...text }))) };
}

/** Workers, each started again as often as it is killed. */
export class Workers {
  readonly #running: ReturnType<typeof fleet>[];
  kills = 0;

  constructor(
    count: number,
    private readonly words: readonly string[],
  ) {
    this.#running = Array.from({ length: count }, () => fleet("work", ...words));
  }

  /** Kills one of them, again and again, at random moments `meanMs` apart, until `ended`. */
  async killAtRandom(kills: number, meanMs: number, seed: number, ended: Promise<unknown>): Promise<void> {
    const next = generator(seed);
    let isOver = false;
    ended.finally(() => {
      isOver = true;
    });
    while (this.kills < kills) {
      await Promise.race([ended, sleep(2 * meanMs * next())]);
      if (isOver) return;
      const at = Math.floor(next() * this.#running.length);
      const { child, ended: gone } = this.#running[at]!;
      child.kill("SIGKILL");
      await gone;
      this.kills++;
      this.#running[at] = fleet("work", ...this.words);
    }
  }

  ended(): Promise<Ended[]> {
    return Promise.all(this.#running.map(({ ended }) => ended));
  }

  kill(): void {
    for (const { child } of this.#running) child.kill("SIGKILL");
  }
}

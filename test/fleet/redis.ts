import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

const places = [process.env.REDIS_SERVER, "/usr/bin/redis-server", "/usr/local/bin/redis-server"];
const server = places.find((place) => place && existsSync(place));

/** Why tests of the fleet are skipped; empty where they run. */
export const noRedis = server
  ? ""
  : " (skipped: no Redis; install Debian's package redis-server, or set REDIS_SERVER to its path)";
if (noRedis && process.env.NO_SKIPS) throw new Error(noRedis);
if (noRedis) console.log(`The fleet's tests${noRedis}`);

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A server on a free port that keeps nothing on the disk. */
export class RedisServer {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-"));
    const port = await freePort();
    const words = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
    const child = spawn(server!, words, { stdio: "ignore" });
    const url = `redis://127.0.0.1:${port}`;
    const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: 100 });
    client.on("error", () => {});
    await client.ping();
    client.disconnect();
    return new RedisServer(url, child, folder);
  }

  /** Whatever jobs there are go, as with a server that has lost its memory. */
  async forget(): Promise<void> {
    const client = new Redis(this.url);
    await client.flushall();
    client.disconnect();
  }

  /** Waits until a queue of BullMQ's has so many jobs that are `active`. */
  async until(state: "active", count: number): Promise<void> {
    const client = new Redis(this.url);
    try {
      for (;;) {
        const [queue] = await client.keys(`bull:*:${state}`);
        if (queue && (await client.llen(queue)) >= count) return;
        await sleep(20);
      }
    } finally {
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.kill();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../built.js";
import { archive } from "../cli/archive-pictures.js";
import { noRedis, RedisServer } from "./redis.js";
import { fleet, Workers } from "./run-fleet.js";

const model = fileURLToPath(new URL("models/cifar110-resnet20x2.int8.safetensors", root));
/** What PyTorch says of each photograph: test/hosts/expected.py. */
const { photos } = JSON.parse(readFileSync(new URL("test/hosts/expected.json", root), "utf8")).integers;

const [count, kills, meanMs] = process.env.FULL ? [5000, 20, 700] : [240, 3, 700];
const folder = mkdtempSync(join(tmpdir(), "fleet-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly image: string;
  readonly predictions?: readonly { readonly label: string }[];
  readonly error?: { readonly name: string; readonly message: string };
}

const linesOf = (run: string): Line[] =>
  readFileSync(join(run, "results.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

const bestOf = ({ predictions }: Line) => predictions?.[0]?.label;
const expectedOf = (image: string) => photos[image.replace(/^\d+-/, "")][0].label;

describe.skipIf(noRedis)(`a fleet${noRedis}`, () => {
  let redis: RedisServer;
  const images = join(folder, "images");

  beforeAll(async () => {
    redis = await RedisServer.start();
    archive(images, count);
    writeFileSync(join(images, "0005-none.jpg"), "no picture");
  });
  afterAll(() => redis?.stop());

  const produces = (run: string, ...more: string[]) =>
    fleet("produce", "--run", run, "--model", model, "--redis", redis.url, "--top-k", "1", ...more);
  const works = (run: string, ...more: string[]) => ["--run", run, "--model", model, "--redis", redis.url, ...more];
  const killed = join(folder, "killed");
  const whole = ["--from", images, "--shard", `${count / 20}`];

  test(
    `three workers, ${kills} kills: each of ${count} pictures is answered once`,
    async () => {
      const workers = new Workers(3, works(killed, "--lock", "2"));
      const producer = produces(killed, ...whole);
      try {
        await workers.killAtRandom(kills, meanMs, 7, producer.ended);
        expect(workers.kills).toBe(kills);
        const { code, stdout } = await producer.ended;
        expect(stdout).toMatch(
          new RegExp(`^${count + 1} pictures in .* by \\d+ workers; 1 failed; \\d+ shards were taken`),
        );
        expect(code).toBe(0);
        expect((await workers.ended()).map((it) => it.code)).toEqual([0, 0, 0]);
      } finally {
        producer.child.kill("SIGKILL");
        workers.kill();
      }
      const lines = linesOf(killed);
      expect(lines.map(({ image }) => image)).toEqual(readdirSync(images).sort());
      for (const line of lines) {
        if (line.image === "0005-none.jpg") expect(line.error).toMatchObject({ name: "ImageDecodeError" });
        else expect(bestOf(line)).toBe(expectedOf(line.image));
      }
    },
    process.env.FULL ? 600_000 : 120_000,
  );

  test("a shard of a worker that died is another's, and counted", async () => {
    const run = join(folder, "taken-over");
    const producer = produces(run, "--from", images, "--shard", `${count + 1}`);
    const worker = () => new Workers(1, works(run, "--lock", "2"));
    const dying = worker();
    await redis.until("active", 1);
    dying.kill();
    await dying.ended();
    const next = worker();
    const { code, stdout } = await producer.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/; 1 failed; 1 shards were taken over/);
    await next.ended();
  }, 120_000);

  test("shards that cannot be answered are tried again, then counted, and the run has failed", async () => {
    const asked = new Set<string | undefined>();
    const server = createServer((request, response) => {
      asked.add(request.url);
      response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const names = join(folder, "away.txt");
    writeFileSync(names, "b.jpg \na.jpg\nc.jpg\n");
    const run = join(folder, "away");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const producer = produces(run, "--from", names, "--base", base, "--shard", "1", "--ahead", "2");
    const workers = new Workers(1, works(run));
    try {
      const { code, stderr } = await producer.ended;
      // A name keeps the space that it ends in.
      expect(asked).toContain("/b.jpg%20");
      expect(code).toBe(1);
      expect(stderr).toMatch(/[23] shards were given up, shard-\d for: .*503/);
    } finally {
      workers.kill();
      producer.child.kill("SIGKILL");
      server.close();
    }
  }, 120_000);

  test("a run that is over is merged again without workers, and no other run takes its folder", async () => {
    const before = readFileSync(join(killed, "results.jsonl"));
    const again = await produces(killed, ...whole).ended;
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(/ by 0 workers; /);
    expect(readFileSync(join(killed, "results.jsonl"))).toEqual(before);
    const other = await produces(killed, ...whole, "--top-k", "2").ended;
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/has a run with another model or other options/);
    const part = join(killed, "parts/0000/0000003.jsonl");
    const lines = readFileSync(part, "utf8").split("\n");
    writeFileSync(part, lines.toSpliced(1, 1).join("\n"));
    expect((await produces(killed, ...whole).ended).stderr).toMatch(
      /0000003.jsonl has not the results of its pictures/,
    );
    rmSync(part);
    const workers = new Workers(1, works(killed));
    expect(await produces(killed, ...whole).ended).toMatchObject({ code: 0 });
    await workers.ended();
    expect(readFileSync(join(killed, "results.jsonl"))).toEqual(before);
  });

  test("a worker with another model says so", async () => {
    const other = join(folder, "other.safetensors");
    copyFileSync(fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root)), other);
    const { code, stderr } = await fleet("work", "--run", killed, "--model", other, "--redis", redis.url).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/is not the model that the run in .* was begun with/);
  });

  test("addresses: what is not there is that picture's error, a server that is busy is asked again, and lost jobs are added again", async () => {
    const asked = new Map<string, number>();
    const server = createServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice("/bucket/".length));
      const times = (asked.get(name) ?? 0) + 1;
      asked.set(name, times);
      if (name === "gone.jpg") response.writeHead(404).end();
      else if (name === "0008-cat.jpg" && times === 1) response.writeHead(503).end();
      else setTimeout(() => response.end(readFileSync(join(images, name.replace("ä ", "")))), 30);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`;
    const names = [
      "0000-cat.jpg",
      "gone.jpg",
      "ä 0001-coffee.jpg",
      "0008-cat.jpg",
      ...readdirSync(images).slice(100, 160),
    ];
    writeFileSync(join(folder, "names.txt"), names.join("\r\n"));
    const run = join(folder, "addresses");
    const producer = produces(run, "--from", join(folder, "names.txt"), "--base", base, "--shard", "8", "--ahead", "3");
    try {
      while (!readdirSync(folder).includes("addresses") || !readdirSync(run).includes("run.json")) await sleep(20);
      await sleep(500);
      await redis.forget();
      const workers = new Workers(2, works(run));
      const { code, stdout } = await producer.ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/^64 pictures in .* 1 failed; /);
      await workers.ended();
    } finally {
      producer.child.kill("SIGKILL");
      server.close();
    }
    const lines = linesOf(run);
    expect(lines.map(({ image }) => image)).toEqual(names);
    expect(lines[1]!.error).toEqual({ name: "PictureError", message: `${base}/gone.jpg answers 404.` });
    for (const [at, line] of lines.entries())
      if (at !== 1) expect(bestOf(line)).toBe(expectedOf(line.image.replace("ä ", "")));
  });
});

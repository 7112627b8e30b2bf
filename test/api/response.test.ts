import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.js";
import { readSource } from "../../src/source/open.js";

const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => (at * at) % 251);
const server = createServer(async (request, response) => {
  response.writeHead(200, request.url === "/unstated" ? {} : { "content-length": bytes.length });
  for (let at = 0; at < bytes.length; at += 70_000) {
    response.write(bytes.subarray(at, at + 70_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (at > 0 && request.url === "/broken") return response.destroy();
  }
  response.end();
});
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** A response whose body can be read in the host's pieces alone. */
function plain(length: number, stated?: number): Response {
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < length; at += 1000) controller.enqueue(bytes.slice(at, Math.min(at + 1000, length)));
      controller.close();
    },
  });
  return new Response(body, stated === undefined ? {} : { headers: { "content-length": `${stated}` } });
}

describe.each([true, false])("a body, watched: %s", (watched) => {
  test.each<[string, () => string | Response]>([
    ["of stated length", () => `${origin}/model`],
    ["of no stated length", () => `${origin}/unstated`],
    ["in the host's pieces", () => plain(bytes.length, bytes.length)],
    ["in the host's pieces, of no stated length", () => plain(bytes.length)],
  ])("%s arrives whole", async (_, source) => {
    const seen: number[] = [];
    const onProgress = ({ loaded }: { loaded: number }) => seen.push(loaded);
    const read = await readSource(nodeHost, source(), watched ? { onProgress } : {});
    expect(Buffer.compare(read.bytes, bytes)).toBe(0);
    if (!watched) return;
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(bytes.length);
  });

  const stating = (length: number) => new Response(bytes, { headers: { "content-length": `${length}` } });
  test.each<[string, () => string | Response, RegExp]>([
    ["shorter than stated", () => stating(bytes.length + 5), /ended after 300000 of 300005 bytes/],
    [
      "longer than stated",
      () => stating(bytes.length - 5),
      /ended after 29999\d of 299995 bytes|ended after 300000 of/,
    ],
    ["in the host's pieces, shorter than stated", () => plain(2500, 3000), /ended after 2500 of 3000 bytes/],
    ["that breaks off", () => `${origin}/broken`, /broke off/],
  ])("%s is refused", async (_, source, message) => {
    const failure = await readSource(nodeHost, source(), watched ? { onProgress: () => {} } : {}).catch((it) => it);
    expect(failure).toMatchObject({ name: "SourceError", message: expect.stringMatching(message) });
  });

  test("an abort ends it", async () => {
    const controller = new AbortController();
    const reading = readSource(nodeHost, `${origin}/model`, {
      signal: controller.signal,
      ...(watched ? { onProgress: () => controller.abort() } : {}),
    });
    if (!watched) setTimeout(() => controller.abort(), 8);
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
  });
});

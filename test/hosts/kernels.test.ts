import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beside } from "../../src/host/beside-node.js";
import { beside as besidePage } from "../../src/worker/handle/start-web.js";
import { library, smallModel } from "../built.js";

describe("kernels that cannot be had are a WasmError with a mend", () => {
  const server = createServer((request, response) => {
    if (request.url === "/page.wasm") response.end("<!doctype html>");
    else response.writeHead(404).end("no");
  });
  let origin = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  const failure = (wasm: string | Uint8Array) =>
    library.loadModel(smallModel, { wasm, worker: false }).then(
      () => null,
      (error) => error,
    );

  test.each([
    ["missing", "/none.wasm", /answered 404 with 2 bytes/],
    ["a page", "/page.wasm", /an HTML page/],
  ])("%s", async (_, path, message) => {
    const error = await failure(`${origin}${path}`);
    expect(error).toMatchObject({ name: "WasmError" });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/options\.wasm/);
  });

  test("unreachable", async () => {
    const error = await failure("http://127.0.0.1:1/cpu.wasm");
    expect(error).toMatchObject({
      name: "WasmError",
      message: expect.stringMatching(/could not be fetched.*options\.wasm/),
    });
  });

  test("damaged", async () => {
    const error = await failure(new Uint8Array([0, 0x61, 0x73, 0x6d, 9, 9, 9, 9]));
    expect(error).toMatchObject({ name: "WasmError", message: expect.stringMatching(/wasm-unsafe-eval/) });
  });
});

describe("where a bundle has no import.meta.url", () => {
  test("in Node", () => {
    expect(() => beside(undefined, () => new URL("file:///x"))).toThrow(/wasm .* and worker/);
  });
  test("in a page", () => {
    expect(() => besidePage(undefined, () => 1)).toThrow(/options wasm and worker/);
  });
});

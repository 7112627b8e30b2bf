import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { library, root, smallModel } from "../built.js";
import { networkFixtures } from "../model/fixtures.js";

const { loadModel, loadClassifier } = library;
const bytes = readFileSync(smallModel);
const folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    switch (request.url) {
      case "/model.safetensors":
        return response.end(bytes);
      case "/cut":
        return response.end(bytes.subarray(0, bytes.length >> 1));
      case "/page":
        response.setHeader("content-type", "text/html");
        return response.end("<!doctype html><title>Sign in</title>");
      case "/slow":
        response.write(bytes.subarray(0, 1000));
        return;
      default:
        response.statusCode = request.url === "/broken" ? 500 : 404;
        return response.end("no");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  server.close();
});

async function logitsOf(source: Parameters<typeof loadModel>[0]): Promise<Float32Array> {
  const model = await loadModel(source, { threads: 1 });
  const [, c, h, w] = model.input.shape;
  const { logits } = await model.run(Float32Array.from({ length: c! * h * w }, (_, at) => Math.sin(at)));
  await model.close();
  return logits;
}

describe("every kind of source gives the same network", () => {
  test.each<[string, () => Parameters<typeof loadModel>[0]]>([
    ["a file URL", () => smallModel],
    ["a path", () => smallModel.pathname],
    ["an http URL", () => new URL(`${origin}/model.safetensors`)],
    ["an http URL in a string", () => `${origin}/model.safetensors`],
    ["a Blob", () => new Blob([bytes])],
    ["an ArrayBuffer", () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer],
    ["a view at an odd offset", () => new Uint8Array([0, ...bytes]).subarray(1)],
    ["a Response", () => new Response(bytes)],
  ])("%s", async (_, source) => {
    expect(await logitsOf(source())).toEqual(await logitsOf(bytes));
  });

  test("a Hugging Face folder: labels and preprocessing come with it", async () => {
    const { logits, size } = networkFixtures.find(({ name }) => name === "hugging-face-basic")!;
    const id2label = Object.fromEntries(logits.map((_, index) => [index, `class of ${index}`]));
    const hub = mkdtempSync(join(folder, "hub-"));
    cpSync(new URL("test/fixtures/networks/hugging-face-basic.safetensors", root), join(hub, "model.safetensors"));
    writeFileSync(join(hub, "config.json"), JSON.stringify({ model_type: "resnet", id2label }));
    const processor = { size: { shortest_edge: size }, image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] };
    writeFileSync(join(hub, "preprocessor_config.json"), JSON.stringify(processor));
    const model = await loadModel(hub);
    expect(model.labels?.[0]).toBe("class of 0");
    expect(model.preprocess.mean).toEqual([0.5, 0.5, 0.5]);
    await model.close();
  });
});

describe("refused with a typed error that says what to do", () => {
  const fixture = (name: string) => new URL(`test/fixtures/weights/${name}`, root);
  test.each<[string, () => Parameters<typeof loadModel>[0], string, RegExp]>([
    ["a missing file", () => "/nowhere/model.pth", "SourceError", /check the path/],
    ["an empty folder", () => mkdtempSync(join(folder, "empty-")), "SourceError", /name a weights file/],
    ["a page where a file should be", () => `${origin}/page`, "ModelFormatError", /HTML page/],
    ["an address that does not exist", () => `${origin}/nothing`, "SourceError", /404/],
    ["a server error", () => `${origin}/broken`, "SourceError", /500/],
    ["a server that is not there", () => "http://127.0.0.1:9/model", "SourceError", /could not be|reach/],
    ["a truncated file", () => `${origin}/cut`, "ModelFormatError", /cut off|damaged/],
    [
      "a pickle that calls os.system",
      () => fixture("hostile-os-system.zip.pth"),
      "ModelFormatError",
      /nothing was executed/,
    ],
    ["weights of no network", () => fixture("plain.zip.pth"), "UnsupportedModelError", /./],
    ["an image", () => new URL("examples/photos/cat.jpg", root), "ModelFormatError", /not a weights file/],
    ["nothing", () => new Uint8Array(0), "ModelFormatError", /empty/],
    ["a number", () => 7 as never, "OptionError", /got number/],
  ])("%s", async (_, source, name, message) => {
    const failure = await loadModel(source()).catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(`${failure.name}: ${failure.message}`).toMatch(new RegExp(`^${name}`));
    expect(failure.message).toMatch(message);
    expect(existsSync("resnet-edge-was-here")).toBe(false);
  });

  test.each<[string, Parameters<typeof loadModel>[1]]>([
    ["an unknown device", { device: "tpu" as never }],
    ["no threads", { threads: 0 }],
    ["half a thread", { threads: 1.5 }],
    ["an unknown module", { simd: "avx" as never }],
    ["labels of another number", { labels: ["one"] }],
    ["a size of nothing", { inputSize: 0 }],
  ])("%s", async (_, options) => {
    const failure = await loadModel(smallModel, options).catch((error) => error);
    expect(failure?.name).toMatch(/OptionError|ShapeError/);
  });

  test("an architecture that the weights do not have", async () => {
    const failure = await loadModel(smallModel, { architecture: "resnet50" }).catch((error) => error);
    expect(failure?.name).toBe("UnsupportedModelError");
  });

  test("a signal that was aborted, before and during a download", async () => {
    await expect(loadModel(smallModel, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    const controller = new AbortController();
    const loading = loadModel(`${origin}/slow`, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(loading).rejects.toMatchObject({ name: "AbortError" });
  });
});

test("images: a typed error each, and the classifier goes on", async () => {
  const classifier = await loadClassifier();
  mkdirSync(join(folder, "images"));
  writeFileSync(join(folder, "images/text.jpg"), "no image");
  for (const [image, name] of [
    [join(folder, "images/none.jpg"), "SourceError"],
    [join(folder, "images/text.jpg"), "ImageDecodeError"],
    [new Uint8Array(0), "ImageDecodeError"],
    [{ data: new Uint8Array(3), width: 2, height: 2 }, "ImageDecodeError"],
    [null as never, "ImageDecodeError"],
  ] as const) {
    await expect(classifier.classify(image)).rejects.toMatchObject({ name });
  }
  const onePixel = await classifier.classify({ data: Uint8Array.of(200, 30, 30), width: 1, height: 1 });
  expect(onePixel).toHaveLength(5);
  await classifier.close();
});

test("progress ends with ready", async () => {
  const phases: string[] = [];
  const model = await loadModel(`${origin}/model.safetensors`, { onProgress: ({ phase }) => phases.push(phase) });
  expect(phases[0]).toBe("fetch");
  expect(phases.at(-1)).toBe("ready");
  await model.close();
});

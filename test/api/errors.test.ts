import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { shown } from "../../src/base/shown.js";
import { ModelFormatError, ResnetEdgeError, SourceError, UnsupportedModelError } from "../../src/errors.js";
import { receiveError, sendError } from "../../src/worker/errors.js";
import { library, root, smallModel } from "../built.js";

const { loadModel, loadClassifier } = library;

test("a message is one line, without control characters, without end, and with one full stop", () => {
  const message = (text: string) => new ResnetEdgeError(text).message;
  expect(message("a\nb\u001b[31m\u202e\u2028\u0085")).toBe("a\\nb\\u001b[31m\\u202e\\u2028\\u0085");
  expect(message("It broke off: it ended.. Load it again.")).toBe("It broke off: it ended. Load it again.");
  expect(message("SHA-256 abcd..., in .. or ../x.")).toBe("SHA-256 abcd..., in .. or ../x.");
  const endless = `data:application/octet-stream;base64,${"A".repeat(1e6)}`;
  const cut = message(`${endless} could not be fetched.`);
  expect(cut.length).toBeLessThan(300);
  expect(cut).toContain("could not be fetched.");
  expect(cut).toContain(`${endless.length} characters`);
  expect(message("word ".repeat(1e5)).length).toBeLessThan(4000);
  expect(shown("Größe 猫 🐱 e\u0301")).toBe("Größe 猫 🐱 e\u0301");
  expect(shown("\ud800")).toBe("\\ud800");
});

test("an endless data: string is cut in the message of the load that fails", async () => {
  const source = `data:text/plain,${"x".repeat(2e6)}`;
  const error = await loadModel(source).catch((it) => it);
  expect(error).toBeInstanceOf(library.ResnetEdgeError);
  expect(error.message.length).toBeLessThan(500);
});

test("errors that come out of a worker keep class, name, message and cause", () => {
  const cause = Object.assign(new TypeError("of old"), { code: "EIO" });
  for (const Type of [ModelFormatError, SourceError, UnsupportedModelError]) {
    const received = receiveError(structuredClone(sendError(new Type("It broke.", { cause }))));
    expect(received).toBeInstanceOf(Type);
    expect(received).toMatchObject({ name: new Type().name, message: "It broke." });
    expect(received.cause).toMatchObject({ name: "TypeError", message: "of old", code: "EIO" });
  }
  expect(receiveError(sendError("a string"))).toMatchObject({ name: "Error", message: "a string" });
  // A name of a function in our module is no class.
  expect(receiveError({ name: "throwIfAborted", message: "x" })).toMatchObject({
    name: "throwIfAborted",
    message: "x",
  });
  const endless = new Error("a");
  endless.cause = endless;
  expect(receiveError(sendError(endless)).message).toBe("a");
});

test("a worker's error has its cause", async () => {
  const classifier = await loadClassifier();
  const error = await classifier.classify("/nowhere/at/all\u001b.jpg").catch((it) => it);
  expect(error).toBeInstanceOf(library.SourceError);
  expect(error.message).not.toContain("\u001b");
  expect(error.cause).toMatchObject({ code: "ENOENT" });
  await classifier.close();
});

test.each([{ worker: false }, {}] as const)("an onProgress that throws is the load's rejection %j", async (options) => {
  for (const phase of ["fetch", "read", "prepare", "ready"]) {
    const thrown = new Error(`mine, at ${phase}`);
    let told = 0;
    const onProgress = (progress: { phase: string }) => {
      told++;
      if (progress.phase === phase) throw thrown;
    };
    const file = new Blob([(await import("node:fs")).readFileSync(smallModel)]);
    await expect(loadModel(file, { ...options, onProgress })).rejects.toBe(thrown);
    const before = told;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toBe(before);
  }
});

test("values of another realm are what they are", async () => {
  const realm = { bytes: [] as number[], source: "" };
  const foreign = (code: string, values: object) => runInNewContext(code, values);
  const bytes = (await import("node:fs")).readFileSync(smallModel);
  for (const worker of [false, "auto"] as const) {
    const file = foreign("Uint8Array.from(bytes).buffer", { ...realm, bytes });
    expect(file).not.toBeInstanceOf(ArrayBuffer);
    const model = await loadModel(file, { worker });
    const length = model.input.shape.reduce((a, b) => a * b);
    const input = foreign("new Float32Array(length).fill(0.3)", { length });
    const { logits } = await model.run(new Float32Array(length).fill(0.3));
    expect((await model.run(input)).logits).toEqual(logits);
    await model.close();
    const classifier = await loadClassifier(undefined, { worker });
    const pixels = foreign("({ data: new Uint8ClampedArray(4 * 9).fill(70), width: 3, height: 3 })", {});
    const ours = { data: new Uint8ClampedArray(4 * 9).fill(70), width: 3, height: 3 };
    expect(await classifier.classify(pixels)).toEqual(await classifier.classify(ours));
    await classifier.close();
  }
});

test.each([false, "auto"])("a batch of thousands on one signal warns of nothing (worker: %s)", (worker) => {
  const code = `
    import { loadClassifier } from ${JSON.stringify(new URL("dist/node.js", root).href)};
    process.on("warning", ({ name }) => console.log("warned", name));
    const classifier = await loadClassifier(${JSON.stringify(smallModel.href)}, { worker: ${JSON.stringify(worker)}, inputSize: 32 });
    const { signal } = new AbortController();
    const image = { data: new Uint8Array(3 * 32 * 32), width: 32, height: 32 };
    const answers = await classifier.classify(Array(2000).fill(image), { signal, topK: 1 });
    console.log(answers.length);
    await classifier.close();
    const aborted = new AbortController();
    const other = await loadClassifier(undefined, { worker: ${JSON.stringify(worker)} });
    const calls = Promise.allSettled(Array.from({ length: 100 }, () => other.classify(image, { signal: aborted.signal })));
    aborted.abort();
    console.log((await calls).filter(({ reason }) => reason?.name === "AbortError").length);
    await other.close();
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    encoding: "utf8",
    cwd: fileURLToPath(root),
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("2000\n100\n");
});

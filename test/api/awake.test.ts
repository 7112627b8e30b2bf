import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../built.js";

// Where only WebAssembly compiles, Node's loop has no handle, and its main thread sleeps in a wait that can be a deadlock.
test("the event loop has something to wait for while a model loads, and nothing afterwards", async () => {
  const script = `
    import { loadModel } from ${JSON.stringify(new URL("dist/node.js", root).href)};
    const held = () => process.getActiveResourcesInfo().filter((it) => it === "Timeout").length;
    let most = 0;
    const { compile } = WebAssembly;
    WebAssembly.compile = async (bytes) => {
      const compiled = compile(bytes);
      await Promise.resolve();
      most = Math.max(most, held());
      return compiled;
    };
    const model = await loadModel(process.argv[1], { worker: false, threads: 1, device: "cpu" });
    await model.close();
    console.log(JSON.stringify({ most, after: held() }));
  `;
  const file = fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root));
  const words = ["--input-type=module", "--eval", script, file];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const { most, after } = JSON.parse(stdout);
  expect(most).toBeGreaterThan(0);
  expect(after).toBe(0);
});

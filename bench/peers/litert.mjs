import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

let loading = null;

/** LiteRT.js (XNNPACK on the CPU) on a TensorFlow Lite model. Takes NHWC. */
export async function createLiteRt(model, shape, { accelerator, threads }) {
  loading ??= loadLiteRt("/peers/@litertjs/core/wasm/", { threads: threads > 1 });
  await loading;
  const compiled = await loadAndCompile(model, { accelerator, cpuOptions: { numThreads: threads } });
  // An operator that XNNPACK or the GPU did not take would be computed by a slow reference kernel, without a word.
  if (!compiled.isFullyAccelerated) throw new Error(`LiteRT.js did not give the whole network to ${accelerator}`);
  return {
    async run(input) {
      const tensor = new Tensor(input, shape);
      const [output] = await compiled.run(tensor);
      const onCpu = accelerator === "wasm" ? output : await output.moveTo("wasm");
      const logits = Float32Array.from(onCpu.toTypedArray());
      for (const it of new Set([tensor, output, onCpu])) if (!it.deleted) it.delete();
      return logits;
    },
    close: () => compiled.delete(),
  };
}

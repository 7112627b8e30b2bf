import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

/** LiteRT.js (XNNPACK on the CPU) on a TensorFlow Lite model. Takes NHWC. */
export async function createLiteRt(model, shape, { accelerator, threads }) {
  await loadLiteRt("/peers/@litertjs/core/wasm/", { threads: threads > 1 });
  const compiled = await loadAndCompile(model, { accelerator, cpuOptions: { numThreads: threads } });
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

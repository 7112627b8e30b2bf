// Runs in each browser and reports what it found.
import { loadClassifier } from "/dist/index.js";

async function trial(options) {
  try {
    const classifier = await loadClassifier(undefined, options);
    const photo = await (await fetch("/examples/photos/cat.jpg")).blob();
    const [best] = await classifier.classify(photo);
    const labels = classifier.labels;
    const answer = await fetch("/cifar10.bin");
    let right = null;
    if (answer.ok) {
      right = 0;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const data = new Uint8Array(3 * 1024);
      for (let at = 0; at < bytes.length; at += 3073) {
        for (let pixel = 0; pixel < 1024; pixel++) {
          for (let channel = 0; channel < 3; channel++)
            data[3 * pixel + channel] = bytes[at + 1 + 1024 * channel + pixel];
        }
        const [{ index }] = await classifier.classify({ data, width: 32, height: 32 }, { topK: 1 });
        if (index === bytes[at]) right++;
      }
    }
    // The GPU is tried after the first answer.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { kernels, threads, threadsReason } = classifier.stats;
    const gpu = classifier.plan.stages[0].reason;
    await classifier.close();
    return { label: best.label, score: best.score, labels: labels.length, right, kernels, threads, threadsReason, gpu };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

const result = {
  isolated: globalThis.crossOriginIsolated === true,
  shared: typeof SharedArrayBuffer !== "undefined",
  trials: {},
};
for (const simd of ["auto", "baseline", "relaxed"]) {
  result.trials[simd] = await trial({ simd });
}
// The bundled network is too small for more than one unless they are asked for.
result.trials.together = await trial({ threads: 2 });
await fetch("/reports", { method: "POST", body: JSON.stringify(result) });

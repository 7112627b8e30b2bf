// What every host is asked: pixels by a formula, a photograph where pictures can be decoded, and a tensor of the host's own realm.

/** [3072] RGB bytes of a 32 x 32 image, the same in expected.py. */
export const pixels = () => Uint8Array.from({ length: 3072 }, (_, i) => (i * 7919) % 256);

/** The network's input for these pixels: [1, 3, 32, 32]. */
export function tensor() {
  const mean = [0.4914, 0.4822, 0.4465];
  const std = [0.247, 0.2435, 0.2616];
  const data = pixels();
  return Float32Array.from({ length: 3072 }, (_, i) => {
    const channel = Math.floor(i / 1024);
    return (data[(i % 1024) * 3 + channel] / 255 - mean[channel]) / std[channel];
  });
}

/**
 * `library`: the package's exports. `model`: a source of the bundled model, undefined for its own; `photo`: the cat, in
 * whatever form the host has. Resolves to what check.mjs compares.
 */
export async function probe(library, { model, photo, options = {} } = {}) {
  const load = { device: "cpu", ...options };
  const classifier = await library.loadClassifier(model, load);
  const predictions = await classifier.classify({ data: pixels(), width: 32, height: 32 }, { topK: 110 });
  const scores = predictions.sort((a, b) => a.index - b.index).map(({ score }) => score);
  const best = photo === undefined ? null : (await classifier.classify(photo))[0];
  const reason = classifier.stats.threadsReason;
  await classifier.close();
  let [logits, floatLogits] = [null, null];
  if (model !== undefined) {
    const logitsOf = async (precision) => {
      const network = await library.loadModel(model, { ...load, ...precision });
      const { logits } = await network.run(tensor());
      await network.close();
      return [...logits];
    };
    logits = await logitsOf({});
    floatLogits = await logitsOf({ precision: "f32" });
  }
  return { scores, best, logits, floatLogits, reason };
}

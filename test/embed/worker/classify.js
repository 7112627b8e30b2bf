import { loadClassifier } from "./resnet-edge/index.js";

// This is a worker already: no second one.
const loading = loadClassifier(undefined, { device: "cpu", worker: false });

addEventListener("message", async ({ data }) => {
  const classifier = await loading;
  const [best] = await classifier.classify(await (await fetch(data)).blob());
  postMessage(`${best.label} ${classifier.stats.threadsReason}`);
});

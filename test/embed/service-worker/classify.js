import { loadClassifier } from "./resnet-edge/service-worker.js";

let loading;

addEventListener("message", (event) => {
  const answer = async () => {
    // Service workers cannot start workers: the model runs in place.
    loading ??= loadClassifier(undefined, { device: "cpu" });
    const classifier = await loading;
    const [best] = await classifier.classify(await (await fetch(event.data)).blob());
    event.source.postMessage(`${best.label} ${classifier.stats.threadsReason}`);
  };
  event.waitUntil(answer());
});

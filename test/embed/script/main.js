import { loadClassifier } from "./resnet-edge/index.js";

const classifier = await loadClassifier(undefined, { device: "cpu" });
const [best] = await classifier.classify(await (await fetch("/photo.jpg")).blob());
document.title = `${best.label} ${classifier.stats.threadsReason}`;

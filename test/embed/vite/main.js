import { loadClassifier } from "resnet-edge";

const classifier = await loadClassifier(undefined, { device: "cpu" });
const [best] = await classifier.classify(await (await fetch("/photo.jpg")).blob());
document.title = `${best.label} ${classifier.stats.threadsReason}`;
// A test goes on from here.
globalThis.classifier = classifier;

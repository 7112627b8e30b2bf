// A worker of the fleet without its queue: every third picture of a folder, say. Started by fleet.mjs.
import { readdirSync, writeFileSync } from "node:fs";
import { loadClassifier } from "resnet-edge";
import { classifyAll } from "../examples/fleet/pictures.js";

const [images, model, output, at, workers] = process.argv.slice(2) as [string, string, string, string, string];
const names = readdirSync(images).filter((_, index) => index % Number(workers) === Number(at));
const classifier = await loadClassifier(model, { threads: 1, device: "cpu" });
const results = await classifyAll(classifier, images, names, 5, () => {});
writeFileSync(output, results.map((result) => `${JSON.stringify(result)}\n`).join(""));
await classifier.close();

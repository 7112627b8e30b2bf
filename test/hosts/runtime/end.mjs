// words: apart | in-place, a picture. Says what it is and when the classifier was closed; the process is to end then.
import { loadClassifier } from "../../../dist/node.js";

const [place, photo] = process.argv.slice(2);
const classifier = await loadClassifier(undefined, { worker: place === "apart" ? "auto" : false });
const [{ label }] = await classifier.classify(photo);
await classifier.close();
console.log(JSON.stringify({ label, closed: Date.now() }));

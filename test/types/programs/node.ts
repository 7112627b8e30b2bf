// A Node program without any of a page's types.
import { type Classifier, loadClassifier, loadModel, type Model, type Prediction } from "resnet-edge";
import { quantize } from "resnet-edge/quantize";

const classifier: Classifier = await loadClassifier("model.safetensors", { threads: 2 });
const answers: Prediction[] = await classifier.classify("photo.jpg");
const lists: Prediction[][] = await classifier.classify([new Uint8Array(), new URL("file:///photo.jpg")]);
const model: Model = await loadModel("model.safetensors");
const { logits } = await model.run(new Float32Array(3 * 224 * 224));
const file = await quantize("model.safetensors", ["photo.jpg"]);
console.log(answers[0]?.label.toUpperCase(), lists.length, logits.length, file.report.ratio.toFixed(2));

// @ts-expect-error A number is no image.
await classifier.classify(3);

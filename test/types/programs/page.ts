// A page's program, as docs/embedding.md would have it written.
import { type Classifier, loadClassifier, loadModel, type Model, type Prediction } from "resnet-edge";
import { quantize } from "resnet-edge/quantize";

const classifier: Classifier = await loadClassifier();
const answers: Prediction[] = await classifier.classify(document.createElement("canvas"), { topK: 3 });
const lists: Prediction[][] = await classifier.classify([new Blob(), new ImageData(1, 1)]);
const model: Model = await loadModel(new URL("model.safetensors", location.href), { device: "cpu" });
const { logits } = await model.run(new Float32Array(3 * 224 * 224));
const file = await quantize("model.safetensors", [new Blob()]);
console.log(answers[0]?.label.toUpperCase(), lists.length, logits.length, file.report.ratio.toFixed(2));

// @ts-expect-error A number is no image.
await classifier.classify(3);

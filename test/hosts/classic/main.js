// A classic script: the bundle has no import.meta, so it is told where things lie.
import { loadClassifier, loadModel } from "resnet-edge";
import { probe } from "../probe.js";

window.lost = loadClassifier().then(
  () => null,
  ({ name, message }) => ({ name, message }),
);
const photo = fetch("/photo.jpg").then((answer) => answer.blob());
const options = { wasm: "/resnet-edge/cpu-int8-baseline.wasm", simd: "baseline", worker: "/resnet-edge/worker.js" };
window.answer = photo.then((photo) =>
  probe({ loadClassifier, loadModel }, { model: "/resnet-edge/cifar110-resnet20x2.int8.safetensors", photo, options }),
);

// Node, Bun and Deno: the package as it is installed, a model and a picture by path.
import { fileURLToPath } from "node:url";
import * as library from "resnet-edge";
import { probe } from "../probe.js";

const path = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const model = path("models/cifar110-resnet20x2.int8.safetensors");
console.log(JSON.stringify(await probe(library, { model, photo: path("examples/photos/cat.jpg") })));

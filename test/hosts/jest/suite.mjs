// Both environments: tensors, bytes and pictures of the environment's own realm.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as library from "resnet-edge";
import { wrong } from "../check.mjs";
import { probe } from "../probe.js";

const root = process.env.RESNET_EDGE_ROOT;

test("answers as PyTorch does", async () => {
  const model = new Uint8Array(readFileSync(join(root, "models/cifar110-resnet20x2.int8.safetensors")));
  const photo = new Uint8Array(readFileSync(join(root, "examples/photos/cat.jpg")));
  const answer = await probe(library, { model, photo });
  expect(wrong(answer)).toBeNull();
});

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildNetwork } from "../../src/model/index.js";
import { readWeights } from "../weights/read.js";
import { runReference } from "./reference.js";

// Other people's checkpoints, which are not part of the project.
const folder = new URL("../../../shared/data/", import.meta.url);
const present = existsSync(folder);
const title = (name: string) => (present ? name : `${name} (skipped: there is no ../shared/data)`);
const read = (name: string) => readFileSync(new URL(name, folder));
const load = (name: string) => readWeights(read(name), name);

interface Reference {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly logits_of_first_image_of_each_class: readonly (readonly number[])[];
}

describe.skipIf(!present)(title("CIFAR-10 checkpoints give PyTorch's logits"), () => {
  test.each([
    ["akamaster-resnet20.th", { name: "resnet20-cifar", shortcut: "zero-pad-symmetric" }, 269_722],
    ["akamaster-resnet32.th", { name: "resnet32-cifar", shortcut: "zero-pad-symmetric" }, 464_154],
    ["distiller-resnet20-projection.pth.tar", { name: "resnet20-cifar", shortcut: "projection" }, 272_474],
  ])("%s", async (file, architecture, parameters) => {
    const network = buildNetwork(await load(`cifar10/${file}`));
    expect(network.architecture).toMatchObject(architecture);
    expect(network.parameters).toBe(parameters);

    const references: Record<string, Reference> = JSON.parse(read("cifar10/reference.json").toString());
    const { mean, std, logits_of_first_image_of_each_class: logits } = references[file]!;
    const images = read("cifar10/test-1000.bin");
    for (const label of [0, 4, 9]) {
      const image = images.subarray(label * 100 * 3073, (label * 100 + 1) * 3073);
      expect(image[0]).toBe(label);
      const input = Float32Array.from(image.subarray(1), (value, i) => {
        const channel = Math.floor(i / 1024);
        return (value / 255 - mean[channel]!) / std[channel]!;
      });
      const largest = Math.max(...logits[label]!.map(Math.abs));
      runReference(network, input).forEach((logit, i) => {
        expect(Math.abs(logit - logits[label]![i]!)).toBeLessThan(2e-5 * largest);
      });
    }
  });
});

test.skipIf(!present)(title("ImageNet's ResNet-18 is recognised"), async () => {
  const network = buildNetwork(await load("imagenet/resnet18.safetensors"));
  expect(network.architecture.name).toBe("resnet18");
  expect(network.parameters).toBe(11_689_512);
});

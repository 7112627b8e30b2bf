import { readFileSync } from "node:fs";
import type { Architecture, Network } from "../../src/graph/network.js";
import type { Pixels } from "../../src/image/index.js";
import { buildNetwork } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";

const read = (name: string) => readFileSync(new URL(`../fixtures/check/${name}`, import.meta.url));

/** Of scripts/fixtures/check.py: a network whose BatchNorms saw pictures of the kind of `pictures`. */
export function calibrated(architecture: Partial<Architecture> = {}): Network {
  return buildNetwork(readSafetensors(new Uint8Array(read("calibrated.safetensors")), "calibrated"), { architecture });
}

export const pictures: readonly Pixels[] = Array.from({ length: 24 }, (_, index) =>
  interleaved(read("pictures.bin").subarray(3072 * index, 3072 * (index + 1))),
);

/** PyTorch's, of the first picture. */
export const expected = JSON.parse(read("batchnorms.json").toString()) as {
  readonly logits: readonly number[];
  readonly outputs: Readonly<Record<string, { readonly mean: readonly number[]; readonly square: readonly number[] }>>;
};

/** A picture of 32 x 32 from its planes. */
export function interleaved(planes: Uint8Array): Pixels {
  const data = Uint8Array.from({ length: 3072 }, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]!);
  return { data, width: 32, height: 32, channels: 3 };
}

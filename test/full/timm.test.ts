import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ModelFormatError, UnsupportedModelError } from "../../src/errors.js";
import type { Network } from "../../src/graph/network.js";
import { assumedOf, statedOf } from "../../src/model/assumed.js";
import { type BuildOptions, buildNetwork, modelCard, readFolder } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { runReference } from "../model/reference.js";

// scripts/fixtures/timm-variants.py writes the folder; RESNET_EDGE_TIMM names another one.
const folder = process.env.RESNET_EDGE_TIMM ?? join(tmpdir(), "timm-variants");
const list = join(folder, "variants.json");
const missing = existsSync(list)
  ? null
  : `no ${list}: python3 scripts/fixtures/timm-variants.py ${folder} writes it, where there are torch and timm`;
if (missing) console.log(`timm's variants are skipped: ${missing}`);

interface Variant {
  readonly module: string;
  /** By the input's side. */
  readonly logits: Readonly<Record<string, readonly number[]>>;
}

const TOLERANCE = 1e-4;

function error(network: Network, input: Float32Array, logits: readonly number[]): number {
  const found = runReference(network, input);
  if (found.length !== logits.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(...logits.map(Math.abs));
  return Math.max(...logits.map((logit, index) => Math.abs(logit - found[index]!))) / largest;
}

test.skipIf(missing)(
  "timm's networks with and without their configuration: none is wrong in silence",
  () => {
    const { variants } = JSON.parse(readFileSync(list, "utf8")) as { readonly variants: Record<string, Variant> };
    const counts = new Map<string, number[]>();
    const lines: string[] = [];
    for (const [name, { module, logits }] of Object.entries(variants)) {
      const weights = readSafetensors(readFileSync(join(folder, name, "model.safetensors")), name);
      const beside = join(folder, name, "config.json");
      // torchvision's have none.
      const config: unknown = existsSync(beside) ? JSON.parse(readFileSync(beside, "utf8")) : undefined;
      for (const configured of config === undefined ? [false] : [true, false]) {
        const count = counts.get(`${module} ${configured}`) ?? [0, 0, 0, 0];
        counts.set(`${module} ${configured}`, count);
        for (const [side, expected] of Object.entries(logits)) {
          const bytes = readFileSync(join(folder, `input-${side}.bin`));
          const input = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
          let network: Network;
          try {
            const card = modelCard(weights, configured ? readFolder({ config }) : []);
            const options: BuildOptions = { inputSize: Number(side), card };
            network = buildNetwork(weights, options);
            const found = error(network, input, expected);
            if (found < TOLERANCE) {
              count[0]!++;
              continue;
            }
            // Weights alone do not show everything: what the configuration would have said is among what is said to be assumed.
            const assumed = assumedOf(network, statedOf(card.architecture, undefined)) as Readonly<
              Record<string, unknown>
            >;
            const built = { ...network.architecture, ...assumed } as Readonly<Record<string, unknown>>;
            const told = Object.entries(readFolder({ config })[0]?.architecture ?? {}).filter(
              ([field, value]) => field !== "name" && JSON.stringify(built[field]) !== JSON.stringify(value),
            );
            if (!configured && told.length > 0 && told.every(([field]) => field in assumed)) {
              count[2]!++;
              lines.push(`${name} ${side} bare: needs ${JSON.stringify(Object.fromEntries(told))}`);
              continue;
            }
            count[3]!++;
            lines.push(`${name} ${side} ${configured ? "config" : "bare"}: WRONG by ${found.toExponential(1)}`);
          } catch (refusal) {
            if (!(refusal instanceof UnsupportedModelError || refusal instanceof ModelFormatError)) throw refusal;
            count[1]!++;
            lines.push(`${name} ${side} ${configured ? "config" : "bare"}: refused: ${refusal.message.slice(0, 160)}`);
          }
        }
      }
    }
    for (const [which, [right, refused, assumed, wrong]] of counts) {
      const [module, configured] = which.split(" ");
      lines.push(
        `${module}, ${configured === "true" ? "with config.json" : "weights alone"}: ${right} right, ${refused} refused, ` +
          `${assumed} that need what model.assumed names, ${wrong} wrong`,
      );
    }
    console.log(lines.join("\n"));
    expect(lines.filter((line) => line.includes(" WRONG "))).toEqual([]);
  },
  600_000,
);

import { readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { nearness } from "../../src/features/none.js";
import { type Example, logitsOf } from "../../src/teach/fit.js";
import { readState } from "../../src/teach/state.js";
import { train } from "../../src/teach/train.js";
import { data, noData } from "../acceptance/data.js";
import { root } from "../built.js";
import { notFull } from "../not-full.js";
import { generator } from "../random.js";

const { createTeacher }: typeof import("../../src/entry/teach-node.js") = await import(
  /* @vite-ignore */ pathToFileURL(new URL("dist/teach-node.js", root).pathname).href
);

const skip = noData || notFull;
const labels = ["ants", "bees"];
const DRAWS = 10;

const filesIn = (folder: string) => {
  const path = fileURLToPath(new URL(folder, data));
  return readdirSync(path)
    .sort()
    .map((name) => `${path}/${name}`);
};

const mean = (values: readonly number[]) => values.reduce((sum, it) => sum + it, 0) / values.length;
const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((it) => (it - mean(values)) ** 2)));
const shown = (values: readonly number[]) =>
  `${(100 * mean(values)).toFixed(1)} % (deviation ${(100 * deviation(values)).toFixed(1)})`;

/** A class's examples in an order that the seed chooses. */
function shuffled<T>(list: readonly T[], next: () => number): T[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(next() * (at + 1));
    [result[at], result[other]] = [result[other]!, result[at]!];
  }
  return result;
}

// Ants and bees, on ImageNet's ResNet-18. Nothing is chosen by the pictures that are tried.
describe.skipIf(skip !== "")(`ants and bees${skip}`, () => {
  test("ten a class, five, and all; none of these", { timeout: 1_800_000 }, async () => {
    const model = fileURLToPath(new URL("imagenet/resnet18.safetensors", data));
    const teacher = await createTeacher(model, { device: "cpu" });
    const read = async (label: string, files: readonly string[]) => {
      for (const file of files) await teacher.add(label, file);
    };
    for (const label of labels) await read(label, filesIn(`hymenoptera/train/${label}`));
    for (const label of labels) await read(`try ${label}`, filesIn(`hymenoptera/val/${label}`));
    // The weevil is an insect.
    const others = filesIn("imagenet/images").filter((name) => !name.includes("weevil"));
    await read("other", others);
    const features = 512;
    const all = readState(teacher.save(), features).examples;
    await teacher.close();
    const of = (label: string) => all.filter((it) => it.label === label);
    const plain = ({ views }: Example) => views.subarray(0, features);
    const tried = labels.flatMap((label, own) => of(`try ${label}`).map((it) => ({ ...it, own })));
    expect([tried.length, of("other").length]).toEqual([153, 49]);

    const figures: Record<string, { right: number; kept: number; refused: number }> = {};
    for (const [title, count] of [
      ["ten", 10],
      ["five", 5],
      ["all", Number.POSITIVE_INFINITY],
    ] as const) {
      const [right, kept, refused]: number[][] = [[], [], []];
      for (let seed = 0; seed < (Number.isFinite(count) ? DRAWS : 1); seed++) {
        const next = generator(seed);
        const samples = labels.flatMap((label, own) =>
          shuffled(of(label), next)
            .slice(0, count)
            .map((it) => ({ ...it, class: own })),
        );
        const { layer, none } = await train(samples, labels, features, {});
        const best = (it: Example) => {
          const [ant, bee] = logitsOf(layer, plain(it)) as unknown as [number, number];
          return bee > ant ? 1 : 0;
        };
        const isRefused = (it: Example) => nearness(none!, plain(it)) < none!.threshold;
        right!.push(mean(tried.map((it) => +(best(it) === it.own))));
        kept!.push(mean(tried.map((it) => +!isRefused(it))));
        refused!.push(mean(of("other").map((it) => +isRefused(it))));
      }
      console.log(`${title}: right ${shown(right!)}, kept ${shown(kept!)}, others refused ${shown(refused!)}`);
      figures[title] = { right: mean(right!), kept: mean(kept!), refused: mean(refused!) };
    }
    const { ten, five, all: whole } = figures;
    expect(ten!.right).toBeGreaterThanOrEqual(0.925);
    expect(five!.right).toBeGreaterThanOrEqual(0.89);
    expect(whole!.right).toBeGreaterThanOrEqual(0.935);
    expect(whole!.kept).toBeGreaterThanOrEqual(0.95);
    expect(whole!.refused).toBeGreaterThanOrEqual(0.9);
  });
});

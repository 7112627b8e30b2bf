import { type Classifier, loadClassifier, type ModelSource } from "resnet-edge";
import { element } from "./answer.js";
import { find } from "./stage.js";

const ROUNDS = 25;
/** Fewer on a slow device: nobody waits for a minute. */
const LEAST_ROUNDS = 7;
const ENOUGH_MS = 6000;
/** Before that, kernels are not compiled as well as they will be. */
const WARM = 3;

interface Times {
  readonly median: number;
  /** The middle half of all times lies between these. */
  readonly middle: readonly [number, number];
}

/** Median and quartiles of what was measured, in ms. */
export function summary(times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  return { median: at(0.5), middle: [at(0.25), at(0.75)] };
}

/** Which is faster, in a sentence: neither where the middle halves overlap. */
export function verdict(cpu: Times, gpu: Times): string {
  const [fast, slow, name] = cpu.median < gpu.median ? [cpu, gpu, "The CPU"] : [gpu, cpu, "The GPU"];
  if (fast.middle[1] >= slow.middle[0]) return "No difference was measured: their times overlap.";
  return `${name} is ${(slow.median / fast.median).toFixed(1)} times as fast here.`;
}

/** The same picture on both devices, in turns; says so where one of them cannot run the model. */
export async function compare(source: ModelSource | undefined, labels: readonly string[] | undefined, picture: Blob) {
  const rows = find("comparison").querySelector("tbody")!;
  const table = find("comparison");
  const say = (text: string) => {
    find("verdict").textContent = text;
  };
  rows.replaceChildren();
  table.hidden = true;
  say("Loading the model on both");
  const open = (device: "cpu" | "gpu") => loadClassifier(source, { device, ...(labels && { labels }) });
  const [cpu, gpu] = await Promise.allSettled([open("cpu"), open("gpu")]);
  const opened: [string, Classifier][] = [];
  for (const [name, it] of [["CPU", cpu] as const, ["GPU", gpu] as const]) {
    if (it.status === "fulfilled") opened.push([name, it.value]);
  }
  try {
    const times: number[][] = opened.map(() => []);
    const labelsOf: string[] = [];
    const begin = performance.now();
    for (let round = 0; round < WARM + ROUNDS; round++) {
      if (round >= WARM + LEAST_ROUNDS && performance.now() - begin > ENOUGH_MS) break;
      say(`Round ${Math.max(1, round - WARM + 1)} of ${ROUNDS}`);
      for (const [index, [, classifier]] of opened.entries()) {
        const start = performance.now();
        const [best] = await classifier.classify(picture, { topK: 1 });
        if (round >= WARM) times[index]!.push(performance.now() - start);
        labelsOf[index] = best?.label ?? "";
      }
    }
    const results = times.map(summary);
    for (const [index, [name]] of opened.entries()) {
      const { median, middle } = results[index]!;
      const cells = [name, ms(median), `${ms(middle[0])} to ${ms(middle[1])}`, labelsOf[index]!];
      const row = element("tr", "");
      row.append(...cells.map((text) => element("td", "", text)));
      rows.append(row);
    }
    table.hidden = opened.length === 0;
    const missing = [cpu, gpu].find((it) => it.status === "rejected");
    say(missing ? (missing.reason as Error).message : verdict(results[0]!, results[1]!));
  } finally {
    await Promise.all(opened.map(([, classifier]) => classifier.close()));
  }
}

const ms = (time: number) => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

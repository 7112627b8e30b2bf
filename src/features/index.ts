// What lies within a network: stages' activations, pooled features, class maps. Loaded with the first call that asks for it.

import type { GpuInput, Range } from "../engine.js";
import type { ValueShape } from "../graph/network.js";
import { type Pixels, preprocess as prepare } from "../image/index.js";
import { inputsOf } from "../image/inputs-of.js";
import { both, frame } from "../image/preprocess.js";
import type { Activation, Prediction } from "../options.js";
import { imagesIn } from "../session/input.js";
import { refuseInput } from "../session/refuse-input.js";
import type { Answers, Asked, AskedFor, ClassMap, NetworkInput, Placed, Views, What, Within } from "./asked.js";
import { checkIndex, classMap, linearOf, rowOf } from "./class-map.js";
import { lastBefore, pooled } from "./embedding.js";
import { leanOf } from "./lean.js";
import { NONE, nearness, noneScore, readNone } from "./none.js";
import { stageNamed, toPlanes } from "./stage.js";
import { mirrored, VIEWS, viewSpecs } from "./views.js";

/** Answers what is asked of a network, by runs of some of its stages on the devices that the scheduler has for them. */
export async function answer<W extends What>(within: Within, asked: AskedFor<W>): Promise<Answers[W]>;
export async function answer(within: Within, asked: Asked): Promise<Answers[What]> {
  switch (asked.what) {
    case "stage":
      return stage(within, asked);
    case "embed":
      return embed(within, (await inputsOf(within.host, asked.image, [within.preprocess], within.signal))[0]!);
    case "views":
      return views(within, asked);
    case "map":
      return map(within, asked);
    case "input":
      return networkInput(within, asked);
  }
}

async function stage(within: Within, { stage: name, input, shape: stated }: AskedFor<"stage">): Promise<Activation> {
  const { network } = within;
  const last = stageNamed(network, name);
  const { channels, height, width } = network.values[network.input]!;
  const wanted = [1, channels, height, width];
  const count = imagesIn(input, wanted, stated) || refuseInput(input, wanted, stated);
  const image = input.length / count;
  const shape = network.values[network.stages[last]!.output]!;
  const length = shape.channels * shape.height * shape.width;
  const values = new Float32Array(count * length);
  for (let index = 0; index < count; index++) {
    const made = await within.run(input.subarray(index * image, (index + 1) * image), { first: 0, last });
    toPlanes(made, shape, values, index * length);
  }
  return { values, shape: [count, shape.channels, shape.height, shape.width], layout: "NCHW" };
}

const decode = ({ host, signal }: Within, image: unknown): Promise<Pixels> => host.decode(image, signal);

/** The last stage's activation before the head, and its shape. */
async function beforeHead(within: Within, input: Float32Array | GpuInput): Promise<[Float32Array, ValueShape]> {
  const { network, origin } = within;
  const last = lastBefore(network, origin);
  return [await within.run(input, { first: 0, last }), network.values[network.stages[last]!.output]!];
}

async function embed(within: Within, input: Float32Array): Promise<Float32Array> {
  return pooled(within.network, ...(await beforeHead(within, input)));
}

async function views(within: Within, { image, count = VIEWS }: AskedFor<"views">): Promise<Views> {
  const { width } = both(within.preprocess.crop);
  const specs = viewSpecs(within.preprocess).slice(0, Math.ceil(count / 2));
  const all = (await inputsOf(within.host, image, specs, within.signal)).flatMap((view) => [
    view,
    mirrored(view, width),
  ]);
  const made: Float32Array[] = [];
  for (const input of all.slice(0, count)) made.push(await embed(within, input));
  const views = new Float32Array(made.length * made[0]!.length);
  for (const [index, features] of made.entries()) views.set(features, index * features.length);
  return { views, lean: await leanOf(within, made) };
}

async function map(within: Within, asked: AskedFor<"map">): Promise<ClassMap | null> {
  const { network, preprocess } = within;
  const linear = linearOf(network);
  if (!linear) return null;
  const pixels = await decode(within, asked.image);
  const [values, { height, width }] = await beforeHead(within, prepare(pixels, preprocess));
  const logits = await within.run(values, headOf(within));
  const { index, label, logit, negated } = chosen(within, logits, asked.index);
  const row = await rowOf(within, linear, logit);
  const sign = negated ? -1 : 1;
  return {
    ...place(pixels, within),
    index,
    label,
    logit: sign * logits[logit]!,
    bias: sign * row.bias,
    height,
    width,
    values: classMap(row, values, height * width).map((value) => sign * value),
  };
}

/** The logits of an image, and the prediction that it is none of the classes, where it is. `spec`: as the file's metadata has it. */
export async function answerOrNone(
  within: Within,
  spec: unknown,
  input: Float32Array | GpuInput,
): Promise<{ readonly logits: Float32Array; readonly none: Prediction | null }> {
  const [values, shape] = await beforeHead(within, input);
  const none = readNone(spec, shape.channels);
  const logits = await within.run(values, headOf(within));
  const near = nearness(none, pooled(within.network, values, shape));
  const refused = near < none.threshold;
  return { logits, none: refused ? { ...NONE, score: noneScore(none, near) } : null };
}

const headOf = ({ network: { stages } }: Within): Range => ({ first: stages.length - 1, last: stages.length - 1 });

async function networkInput(within: Within, asked: AskedFor<"input">): Promise<NetworkInput> {
  const pixels = await decode(within, asked.image);
  const input = prepare(pixels, within.preprocess);
  const logits = await within.run(input, { first: 0, last: within.network.stages.length - 1 });
  const { index, label, binary } = chosen(within, logits, asked.index);
  return { ...place(pixels, within), index, label, binary, input };
}

/**
 * The class that is explained, and which logit is its own. One logit is that of the second of two classes, and its negative the first
 * one's, unless it is no class's at all.
 */
function chosen({ network, labels }: Within, logits: Float32Array, asked: number | undefined) {
  const binary = logits.length === 1 && network.architecture.scores !== "none";
  const scores = binary ? [-logits[0]!, logits[0]!] : logits;
  if (asked !== undefined) checkIndex(asked, scores.length);
  const index = asked ?? scores.indexOf(Math.max(...scores));
  const label = labels?.[index] ?? `class ${index}`;
  return { index, label, binary, logit: binary ? 0 : index, negated: binary && index === 0 };
}

function place(pixels: Pixels, { preprocess }: Within): Placed {
  const { width, height, region, left, top, crop } = frame(pixels, preprocess);
  const [across, down] = [pixels.width / width, pixels.height / height];
  return {
    picture: { width: pixels.width, height: pixels.height },
    region: {
      x: (region.x - left) * across,
      y: (region.y - top) * down,
      width: crop.width * across,
      height: crop.height * down,
    },
  };
}

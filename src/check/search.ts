import { observe } from "../cpu/observe.js";
import { createCpuEngine } from "../cpu/open.js";
import type { CpuOptions } from "../cpu/options.js";
import { ResnetEdgeError } from "../errors.js";
import { networkMacs } from "../graph/macs.js";
import type { Architecture, ResidualNetwork } from "../graph/network.js";
import { type Pixels, preprocess as prepare } from "../image/index.js";
import type { Preprocess } from "../options.js";
import { softmax } from "../session/classify.js";
import { alternatives, isSame, type Normalisation, normalisations } from "./alternatives.js";
import { shifted } from "./augment.js";
import { distance, fitOf } from "./fit.js";
import { type LayerMoments, Moments } from "./moments.js";

/** One reading of the file, and how it fits the pictures. */
export interface Reading {
  readonly architecture: Architecture;
  readonly normalisation: Normalisation;
  /** Whether pictures fit better as training shifts small ones: see `shifted`. */
  readonly shifted: boolean;
  /** Empty where the file carries no statistics. */
  readonly layers: readonly LayerMoments[];
  /** Less is better. From statistics: see `distance`. Without them: the share of a picture's class that predictions leave open. */
  readonly distance: number;
  /** Mean of the best class's probability. */
  readonly certainty: number;
  /** Traits that are unlike the library's own defaults. */
  readonly unusual: number;
}

export interface SearchOptions {
  /** The network of an architecture; throws where it does not fit the file. */
  readonly build: (architecture: Architecture) => ResidualNetwork | Promise<ResidualNetwork>;
  readonly assumed: ResidualNetwork;
  readonly preprocess: Preprocess;
  readonly pictures: readonly Pixels[];
  readonly cpu: Pick<CpuOptions, "wasm" | "threads" | "threadSupport" | "simd">;
  readonly onProgress?: (tried: number) => void;
}

export interface Found {
  readonly assumed: Reading;
  /** All that fit the shapes, the assumed one among them, best first. */
  readonly readings: readonly Reading[];
  readonly statistics: boolean;
}

/** Networks of more multiply-accumulates are compared on so many pictures, and the best of them on all. */
const LARGE_MACS = 200e6;
const FEW = 8;
const FINALISTS = 4;
/** Normalisations, pictures shifted or not, whose inputs are kept. */
const KEPT_INPUTS = 2;
/** The greatest side of pictures that training shifts over black. */
const SMALL = 64;
/**
 * Of two that fit alike, the usual one is named first: for each unusual trait, two at most, a reading is taken for so much farther.
 * Pictures of one kind make other readings look near, and without statistics little tells them apart.
 */
const UNUSUAL = { various: 0.08, oneKind: 0.25, scores: 0.05 };
/** Means of the stem so far from training's are of pictures of one kind, or unlike training's. */
const ONE_KIND = 0.3;
/** A trait that was changed is kept where it brings so much. */
const GAIN = 0.97;
const ROUNDS = 3;

/** Whether even the nearest reading's stem sees other pictures than training did. */
export function isOneKind(readings: readonly Reading[]): boolean {
  const nearest = readings.reduce((a, b) => (b.distance < a.distance ? b : a));
  const [stem] = nearest.layers;
  return stem !== undefined && fitOf(stem).deviation > ONE_KIND;
}

function ranked(readings: readonly Reading[]): Reading[] {
  const share = isOneKind(readings) ? UNUSUAL.oneKind : UNUSUAL.various;
  const rank = ({ distance, unusual, layers }: Reading) => {
    const traits = Math.min(unusual, 2);
    return layers.length > 0 ? distance * (1 + share * traits) + 1e-9 * unusual : distance + UNUSUAL.scores * traits;
  };
  return readings.toSorted((a, b) => rank(a) - rank(b));
}

/** Reads the file as is assumed, and in every other way that its shapes allow, trait by trait until none gets nearer. */
export async function search(options: SearchOptions): Promise<Found> {
  const { assumed, pictures, preprocess } = options;
  const trials = new Trials(options);
  const few = networkMacs(assumed) > LARGE_MACS ? spread(pictures, FEW) : pictures;
  const first = statedNormalisation(preprocess);
  const { stem } = assumed.architecture;
  const usable = normalisations.filter(({ name }) => stem === "3x3" || !name.startsWith("CIFAR"));
  const known = usable.filter((it) => !isSame(it, first));
  await trials.read(assumed.architecture, [first], few);
  let best = trials.best();
  for (let round = 0; round < ROUNDS; round++) {
    const before = best;
    await trials.read(best.architecture, [first, ...known], few);
    best = trials.best();
    for (const change of alternatives(best.architecture)) {
      await trials.read({ ...best.architecture, ...change }, [best.normalisation], few, best.shifted);
    }
    best = trials.best();
    if (best.distance > GAIN * before.distance) break;
  }
  let readings = trials.all();
  if (few !== pictures) {
    // The best of them again, on all pictures; the assumed one among them.
    const finalists = readings.slice(0, FINALISTS);
    const own = trials.of(assumed.architecture, first)!;
    const full = new Trials(options);
    for (const it of [...new Set([...finalists, own])]) await full.read(it.architecture, [it.normalisation], pictures);
    readings = [...full.all(), ...readings.filter((it) => !full.of(it.architecture, it.normalisation))];
  }
  const reading = readings.find(
    (it) => keyOf(it.architecture, it.normalisation) === keyOf(assumed.architecture, first),
  )!;
  return { assumed: reading, readings, statistics: reading.layers.length > 0 };
}

/** Reads the file as is assumed, and in no other way. */
export async function readAsAssumed(options: SearchOptions): Promise<Found> {
  const trials = new Trials(options);
  await trials.read(options.assumed.architecture, [statedNormalisation(options.preprocess)], options.pictures);
  const assumed = trials.best();
  return { assumed, readings: [assumed], statistics: assumed.layers.length > 0 };
}

/** By its usual name, where it has one. */
function statedNormalisation({ mean, std }: Preprocess): Normalisation {
  const own = normalisations.find((it) => isSame(it, { mean, std }));
  return { name: own?.name ?? "as stated", mean, std };
}

/** Every reading so far. */
class Trials {
  /** The nearer one, where pictures were tried as they are and shifted. */
  readonly #readings = new Map<string, Reading>();
  readonly #tried = new Set<string>();
  readonly #inputs: { readonly key: string; readonly inputs: readonly Float32Array[] }[] = [];

  constructor(private readonly options: SearchOptions) {}

  of(architecture: Architecture, normalisation: Normalisation): Reading | null {
    return this.#readings.get(keyOf(architecture, normalisation)) ?? null;
  }

  all(): Reading[] {
    return ranked([...this.#readings.values()]);
  }

  best(): Reading {
    return this.all()[0]!;
  }

  /** Reads the file with each normalisation. `shifts`: whether pictures are shifted; both are tried unless given. */
  async read(
    architecture: Architecture,
    wanted: readonly Normalisation[],
    pictures: readonly Pixels[],
    shifts?: boolean,
  ): Promise<void> {
    const { height, width } = this.options.assumed.values[this.options.assumed.input]!;
    const modes = Math.max(height, width) > SMALL ? [false] : shifts === undefined ? [false, true] : [shifts];
    const open = wanted
      .flatMap((normalisation) => modes.map((shift) => ({ normalisation, shift })))
      .filter(({ normalisation, shift }) => !this.#tried.has(keyOf(architecture, normalisation, shift)));
    if (open.length === 0) return;
    for (const { normalisation, shift } of open) this.#tried.add(keyOf(architecture, normalisation, shift));
    this.options.onProgress?.(this.#tried.size);
    const network = await this.build(architecture);
    for (const reading of network ? await this.run(network, open, pictures) : []) {
      const key = keyOf(architecture, reading.normalisation);
      const other = this.#readings.get(key);
      if (!other || reading.distance < other.distance) this.#readings.set(key, reading);
    }
  }

  /** What the network reads. The last few are kept: most structures are tried with one normalisation. */
  private inputs(pictures: readonly Pixels[], { mean, std }: Normalisation, shift: boolean): readonly Float32Array[] {
    const key = JSON.stringify([mean, std, shift, pictures.length]);
    const known = this.#inputs.find((it) => it.key === key);
    if (known) return known.inputs;
    const preprocess = { ...this.options.preprocess, mean, std };
    const inputs = pictures.map((it, index) => prepare(shift ? shifted(it, index) : it, preprocess));
    this.#inputs.unshift({ key, inputs });
    this.#inputs.splice(KEPT_INPUTS);
    return inputs;
  }

  private async build(architecture: Architecture): Promise<ResidualNetwork | null> {
    try {
      return await this.options.build(architecture);
    } catch (error) {
      if (!(error instanceof ResnetEdgeError)) throw error;
      return null;
    }
  }

  private async run(
    network: ResidualNetwork,
    wanted: readonly { normalisation: Normalisation; shift: boolean }[],
    pictures: readonly Pixels[],
  ): Promise<Reading[]> {
    // A kernel that packs fast, unmeasured: each network runs a few times only.
    const engine = await createCpuEngine(network, { ...this.options.cpu, convolution: "winograd4-lean" });
    try {
      const inside = await engine.inside();
      const { architecture } = network;
      return wanted.map(({ normalisation, shift }) => {
        const moments = new Moments();
        const inputs = this.inputs(pictures, normalisation, shift);
        const scores = inputs.map((input) => softmax(observe(inside, input, moments.picture())));
        const { layers } = moments;
        // Without statistics, pictures as they are count: what training shifted leaves no trace.
        const unread = shift ? Number.POSITIVE_INFINITY : undecided(scores);
        return {
          ...{ architecture, normalisation, shifted: shift, layers },
          distance: layers.length > 0 ? distance(layers) : unread,
          certainty: certainty(scores),
          unusual: unusual(architecture, normalisation),
        };
      });
    } finally {
      await engine.close();
    }
  }
}

/** Fields without effect do not tell two structures apart. */
function keyOf(architecture: Architecture, { mean, std }: Normalisation, shift?: boolean): string {
  return JSON.stringify([...traitsOf(architecture), mean, std, shift]);
}

/** Traits that weights do not show, with their defaults filled in. */
export function traitsOf(architecture: Architecture): readonly (readonly [name: string, value: unknown])[] {
  const { stem, layers, shortcut, strideIn, block } = architecture;
  const {
    activation = "relu",
    activationSlope = 0.01,
    activationAfterSum = true,
    antiAliasing = "none",
  } = architecture;
  const { residualScale = 1, firstStageStride = 1, epsilon = 1e-5, globalPool = "average" } = architecture;
  const pool = architecture.maxPool ?? (stem === "3x3" ? "none" : {});
  const maxPool = pool === "none" ? pool : { kernel: 3, stride: 2, padding: 1, ceilMode: false, ...pool };
  return [
    ["activation", activation],
    ["activationSlope", activation === "leaky-relu" ? activationSlope : null],
    ["activationAfterSum", activationAfterSum],
    ["shortcut", shortcut],
    ["strideIn", block === "bottleneck" ? strideIn : null],
    ["stemStride", architecture.stemStride ?? (stem === "3x3" ? 1 : 2)],
    ["maxPool", maxPool],
    ["stageStrides", architecture.stageStrides ?? layers.map((_, stage) => (stage === 0 ? firstStageStride : 2))],
    ["dilations", architecture.dilations ?? layers.map(() => 1)],
    ["antiAliasing", antiAliasing],
    ["residualScale", residualScale],
    ["epsilon", epsilon],
    ["globalPool", globalPool],
  ];
}

function unusual(architecture: Architecture, normalisation: Normalisation): number {
  const { stem, layers, classes, block, name, stemWidth, widths, groups, widthPerGroup, shortcut } = architecture;
  const plain: Architecture = {
    ...{ stem, layers, classes, block, name, stemWidth, widths, groups, widthPerGroup, strideIn: "3x3" },
    shortcut: shortcut.includes("projection") ? shortcut : "zero-pad-symmetric",
  };
  const usual = new Map(traitsOf(plain));
  const differing = traitsOf(architecture).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(usual.get(name)),
  );
  return differing.length + (isSame(normalisation, normalisations[0]!) ? 0 : 1);
}

/** So many of them, from the whole list: neighbours in a folder are often alike. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) => items[Math.floor(((index + 0.5) * items.length) / count)]!);
}

function certainty(scores: readonly Float64Array[]): number {
  return scores.reduce((sum, it) => sum + Math.max(...it), 0) / scores.length;
}

const entropy = (scores: Float64Array) => scores.reduce((sum, it) => (it > 0 ? sum - it * Math.log(it) : sum), 0);

/**
 * What predictions do not tell pictures apart by, 0 to 1: one less the mutual information between picture and class, over the most
 * that so many pictures can have. Of a network that is read wrongly, predictions are vague, or all alike.
 */
function undecided(scores: readonly Float64Array[]): number {
  const classes = scores[0]?.length ?? 1;
  const mean = new Float64Array(classes);
  let within = 0;
  for (const picture of scores) {
    within += entropy(picture) / scores.length;
    for (let index = 0; index < classes; index++) mean[index] = mean[index]! + picture[index]! / scores.length;
  }
  const most = Math.log(Math.min(scores.length, classes));
  return most > 0 ? 1 - (entropy(mean) - within) / most : 1;
}

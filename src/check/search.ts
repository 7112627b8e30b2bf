import { softmax } from "../classify.js";
import { type CpuOptions, createCpuEngine } from "../cpu/index.js";
import { observe } from "../cpu/observe.js";
import { ResnetEdgeError } from "../errors.js";
import { type Pixels, preprocess as prepare } from "../image/index.js";
import { networkMacs } from "../model/macs.js";
import type { Architecture, Network } from "../model/network.js";
import type { Preprocess } from "../options.js";
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
  readonly build: (architecture: Architecture) => Network | Promise<Network>;
  readonly assumed: Network;
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
  const stated = { name: "as stated", mean: preprocess.mean, std: preprocess.std };
  const { stem } = assumed.architecture;
  const usable = normalisations.filter(({ name }) => stem === "3x3" || !name.startsWith("CIFAR"));
  const known = usable.filter((it) => !isSame(it, stated));
  const own = normalisations.find((it) => isSame(it, stated));
  const first = { ...stated, name: own?.name ?? stated.name };
  let best = (await trials.read(assumed.architecture, [first], few))[0]!;
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

/** Every reading so far. */
class Trials {
  readonly #readings = new Map<string, Reading | null>();
  #tried = 0;

  constructor(private readonly options: SearchOptions) {}

  of(architecture: Architecture, normalisation: Normalisation): Reading | null {
    return this.#readings.get(keyOf(architecture, normalisation)) ?? null;
  }

  all(): Reading[] {
    return ranked([...this.#readings.values()].filter((it) => it !== null));
  }

  best(): Reading {
    return this.all()[0]!;
  }

  /** Reads the file with each normalisation that was not tried yet. `shifts`: whether pictures are shifted; both are tried unless given. */
  async read(
    architecture: Architecture,
    wanted: readonly Normalisation[],
    pictures: readonly Pixels[],
    shifts?: boolean,
  ): Promise<Reading[]> {
    const open = wanted.filter((it) => !this.#readings.has(keyOf(architecture, it)));
    if (open.length > 0) {
      const network = await this.build(architecture);
      const readings = network ? await this.run(network, open, pictures, shifts) : open.map(() => null);
      for (const [index, it] of open.entries()) this.#readings.set(keyOf(architecture, it), readings[index]!);
    }
    return wanted.map((it) => this.of(architecture, it)).filter((it) => it !== null);
  }

  private async build(architecture: Architecture): Promise<Network | null> {
    try {
      return await this.options.build(architecture);
    } catch (error) {
      if (!(error instanceof ResnetEdgeError)) throw error;
      return null;
    }
  }

  private async run(
    network: Network,
    wanted: readonly Normalisation[],
    pictures: readonly Pixels[],
    shifts?: boolean,
  ): Promise<Reading[]> {
    // A kernel that packs fast, unmeasured: each network runs a few times only.
    const engine = await createCpuEngine(network, { ...this.options.cpu, convolution: "winograd4-lean" });
    try {
      const inside = await engine.inside();
      const { height, width } = network.values[network.input]!;
      const small = Math.max(height, width) <= SMALL;
      const modes = !small ? [false] : shifts === undefined ? [false, true] : [shifts];
      const readings: Reading[] = [];
      for (const normalisation of wanted) {
        this.options.onProgress?.(++this.#tried);
        const preprocess = { ...this.options.preprocess, mean: normalisation.mean, std: normalisation.std };
        const runs = modes.map((shift) => {
          const moments = new Moments();
          const scores = pictures.map((picture, index) => {
            const input = prepare(shift ? shifted(picture, index) : picture, preprocess);
            return softmax(observe(inside, input, moments.picture()));
          });
          const { layers } = moments;
          const open = layers.length > 0 ? distance(layers) : undecided(scores);
          return { layers, shifted: shift, distance: open, certainty: certainty(scores) };
        });
        // Without statistics, what training shifted leaves no trace.
        const [plain, moved] = runs;
        const nearer = moved && plain!.layers.length > 0 && moved.distance < plain!.distance ? moved : plain!;
        const { architecture } = network;
        readings.push({ ...nearer, architecture, normalisation, unusual: unusual(architecture, normalisation) });
      }
      return readings;
    } finally {
      await engine.close();
    }
  }
}

/** Fields without effect do not tell two structures apart. */
function keyOf(architecture: Architecture, { mean, std }: Normalisation): string {
  const { name: _, ...traits } = architecture;
  return JSON.stringify([...traitsOf(traits as Architecture), mean, std]);
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

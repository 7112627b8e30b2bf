import type { CpuEngine } from "../cpu/engine.js";
import { observe } from "../cpu/observe.js";
import type { Preprocess } from "../options.js";
import { distance, fitOf } from "./fit.js";
import { Moments } from "./moments.js";

/** Pictures that a doubt rests on. */
const PICTURES = 8;
/** Where the first ones are alike, as a camera's are, more are looked at, each after twice as many: the last of them is this one. */
const LAST = 4096;
/** Ordinary pictures, in pixels of 0 to 1: deviation within one, and between the means of several. */
const WITHIN = [0.08, 0.4] as const;
const BETWEEN = 0.05;
/** Measured on published networks and ordinary pictures: docs/check.md. Larger inputs are cropped otherwise in training. */
const STEM_DISTORTION = 1.3;
const FAR = { small: 0.5, large: 0.6 };
const SMALL = 64;

/** Means and deviations of one picture's channels, in pixels of 0 to 1. */
interface Look {
  readonly means: readonly number[];
  readonly within: number;
}

/**
 * Looks at the first pictures that a network classifies, and says what speaks against its structure and preprocessing. Only what
 * even pictures of one kind cannot explain is said: `resnet-edge check` tells more.
 */
export class Watch {
  doubts: readonly string[] = [];
  readonly #moments = new Moments();
  readonly #looks: Look[] = [];
  #seen = 0;
  #next = 1;
  #done = false;

  constructor(
    private readonly engine: CpuEngine,
    private readonly preprocess: Preprocess,
  ) {}

  /** Counts a picture. The way through the network that looks at it, where it is one to look at: it gives the logits. */
  next(): ((input: Float32Array) => Promise<Float32Array>) | undefined {
    if (this.#done || ++this.#seen < this.#next) return undefined;
    this.#next = this.#seen < PICTURES ? this.#seen + 1 : 2 * this.#seen;
    this.#done = this.#seen >= LAST;
    return (input) => this.#look(input);
  }

  async #look(input: Float32Array): Promise<Float32Array> {
    const logits = observe(await this.engine.inside(), input, this.#moments.picture());
    this.#looks.push(this.#pixels(input));
    if (this.#looks.length > PICTURES) {
      this.#looks.shift();
      this.#moments.forget();
    }
    if (this.#looks.length === PICTURES && isOrdinary(this.#looks)) {
      this.#done = true;
      this.doubts = this.#judge();
    }
    return logits;
  }

  #pixels(input: Float32Array): Look {
    const { mean, std } = this.preprocess;
    const plane = input.length / 3;
    let variance = 0;
    const means = std.map((scale, channel) => {
      let [sum, squares] = [0, 0];
      for (let at = channel * plane; at < (channel + 1) * plane; at++) {
        sum += input[at]!;
        squares += input[at]! ** 2;
      }
      variance += (squares / plane - (sum / plane) ** 2) * scale ** 2;
      return (sum / plane) * scale + mean[channel]!;
    });
    return { means, within: Math.sqrt(variance / 3) };
  }

  #judge(): string[] {
    const { layers } = this.#moments;
    const [stem, ...rest] = layers;
    if (!stem || rest.length === 0) return [];
    const { distortion, spread, deviation } = fitOf(stem);
    const { mean, std } = this.preprocess;
    if (distortion > STEM_DISTORTION) {
      return [
        `The first BatchNorm sees ${spread.toPrecision(2)} times the variance that it saw in training, with means ${deviation.toFixed(1)} deviations ` +
          `away: mean ${mean.join(", ")} and std ${std.join(", ")} are probably not the model's. State its own as preprocess; resnet-edge check tries the well-known ones.`,
      ];
    }
    const { height, width } = this.engine.network.values[this.engine.network.input]!;
    const far = distance(rest);
    if (far < (Math.max(height, width) > SMALL ? FAR.large : FAR.small)) return [];
    return [
      `BatchNorms see other values than in training (${far.toFixed(2)} away; 0.2 to 0.4 is usual): what the weights do not show, such as the ` +
        "activation or the shortcut, is probably another than was assumed. State it as architecture; resnet-edge check tries the others.",
    ];
  }
}

/** Whether pictures are neither flat nor noise, nor all alike: of others, every network's values are strange. */
function isOrdinary(looks: readonly Look[]): boolean {
  const within = looks.reduce((sum, it) => sum + it.within, 0) / looks.length;
  let between = 0;
  for (let channel = 0; channel < 3; channel++) {
    const means = looks.map((it) => it.means[channel]!);
    const mean = means.reduce((sum, it) => sum + it, 0) / means.length;
    between += means.reduce((sum, it) => sum + (it - mean) ** 2, 0) / means.length / 3;
  }
  return within > WITHIN[0] && within < WITHIN[1] && Math.sqrt(between) > BETWEEN;
}

import { OptionError } from "../errors.js";
import { fuse } from "../graph/fuse.js";
import type { Architecture, Network, Vector, Weight } from "../graph/network.js";
import { elementCount } from "../graph/tensor.js";
import { lazyVector } from "../graph/vector.js";
import { assemble } from "./assemble.js";
import { findInverted, inventInverted, type Spread } from "./families/pseudo-random.js";
import { checkInputSize, defaultInputSize, type Size } from "./input-size.js";
import type { Parameters } from "./parameters.js";
import { wellKnownArchitecture } from "./unusual/well-known.js";

export interface PseudoRandomOptions {
  /** The input's side in pixels, or [height, width]. */
  inputSize?: Size;
  /** Outputs of the classifier; 0 leaves it out. */
  classes?: number;
  seed?: number;
  foldBatchNorm?: boolean;
}

/**
 * A well-known network with fixed pseudo-random weights, for benchmarks and tests without a file. Weights are made row by
 * row when they are read, so a network of 350 MB costs no memory here; the same name and seed always give the same values.
 * Activations stay near one from the first layer to the last.
 */
export function pseudoRandomNetwork(name: string, options: PseudoRandomOptions = {}): Network {
  const family = findInverted(plainFamily(name));
  const known = family ? { classes: 1000 } : wellKnownArchitecture(name);
  const classes = options.classes ?? known.classes;
  if (!Number.isInteger(classes) || classes < 0 || classes > 1e6) {
    throw new OptionError(`classes is ${classes}; it must be a whole number from 0 to 1000000.`);
  }
  const seed = options.seed ?? 1;
  const fold = options.foldBatchNorm ?? true;
  if (family) {
    const sides = checkInputSize(options.inputSize ?? 224);
    return fuse(
      inventInverted(family, classes, sides, (spread) => new PseudoRandomParameters(spread, seed)),
      fold,
    );
  }
  const architecture = { ...(known as Architecture), classes };
  const inputSize = checkInputSize(options.inputSize ?? defaultInputSize(architecture));
  return fuse(assemble(architecture, new PseudoRandomParameters(residual(architecture), seed), inputSize), fold);
}

const plainFamily = (name: string) => String(name).toLowerCase().replaceAll("-", "_");

function residual(architecture: Architecture): Spread {
  const last = architecture.block === "bottleneck" ? "bn3" : "bn2";
  return {
    // He et al. 2015 (arXiv:1502.01852): 2 before a ReLU, 1 before the end.
    variance: (layer) => (layer === "fc" ? 1 : 2),
    centre(norm) {
      const [, layer, name] = /(?:layer(\d+)\.\d+\.)?(\w+(?:\.\d)?)$/.exec(norm)!;
      // Sums of n residuals of one size grow by the square root of n: each is made smaller by as much.
      return layer && name === last ? Math.sqrt(0.5 / architecture.layers[Number(layer) - 1]!) : 1;
    },
    biased: new Set(["fc"]),
  };
}

class PseudoRandomParameters implements Parameters {
  constructor(
    private readonly spread: Spread,
    private readonly seed: number,
  ) {}

  has(name: string): boolean {
    const at = name.lastIndexOf(".");
    return name.endsWith(".bias") ? this.spread.biased.has(name.slice(0, at)) : name.startsWith("fc.");
  }

  extent(): number {
    return 1;
  }

  weight(name: string, shape: readonly number[]): Weight {
    const row = elementCount(shape.slice(1));
    // Uniform in [-reach, reach) has a variance of reach^2 / 3.
    const reach = Math.sqrt((3 * this.spread.variance(name.replace(/\.weight$/, ""))) / row);
    const seed = this.seedOf(name);
    return {
      shape,
      read(begin, end, target) {
        for (let channel = begin, at = 0; channel < end; channel++) {
          at = fillUniform(target, at, row, mix(seed + Math.imul(channel, 0x9e3779b9)), reach);
        }
      },
    };
  }

  vector(name: string, length: number): Vector {
    return lazyVector(length, 0, () => {
      const values = new Float64Array(length);
      const [centre, reach] = this.rangeOf(name);
      fillUniform(values, 0, length, this.seedOf(name), reach);
      return values.map((value) => value + centre);
    });
  }

  private rangeOf(name: string): [centre: number, reach: number] {
    const at = name.lastIndexOf(".");
    const tensor = name.slice(at + 1);
    if (tensor === "running_var") return [1, 0.25];
    if (tensor !== "weight") return [0, 0.1];
    const centre = this.spread.centre(name.slice(0, at));
    return [centre, 0.2 * centre];
  }

  private seedOf(name: string): number {
    let hash = mix(this.seed);
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return mix(hash);
  }
}

/** The finaliser of MurmurHash3: every bit of the input reaches every bit of the output. */
function mix(bits: number): number {
  let h = bits | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** `count` values, uniform in [-reach, reach), from Marsaglia's xorshift32. Returns where the next one goes. */
function fillUniform(
  target: Float32Array | Float64Array,
  begin: number,
  count: number,
  seed: number,
  reach: number,
): number {
  let state = seed || 1;
  const unit = reach / 0x80000000;
  const end = begin + count;
  for (let at = begin; at < end; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    target[at] = state * unit;
  }
  return end;
}

import type { GpuInput, Range } from "../engine.js";
import type { Network } from "../graph/network.js";
import type { Pixels } from "../image/index.js";
import type { CropSpec } from "../image/preprocess.js";
import type { Activation, Preprocess } from "../options.js";

/** What is asked of a network beside its answer. */
export type Asked =
  | { readonly what: "stage"; readonly stage: string; readonly input: Float32Array; readonly shape?: readonly number[] }
  | { readonly what: "embed"; readonly image: unknown }
  /** The features of several views of one picture, or of the first ones alone: see `views.ts`. */
  | { readonly what: "views"; readonly image: unknown; readonly count?: number }
  /** `index`: a class, or the best one. */
  | { readonly what: "map"; readonly image: unknown; readonly index: number | undefined }
  /** The network's own input, for those who change it. */
  | { readonly what: "input"; readonly image: unknown; readonly index: number | undefined };

/** Where a picture's crop lies in it, in pixels of the upright picture: where a border was added it reaches beyond. */
export interface Placed {
  readonly picture: { readonly width: number; readonly height: number };
  readonly region: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** A class activation map; see `HeatMap`. */
export interface ClassMap extends Placed {
  readonly index: number;
  readonly label: string;
  readonly logit: number;
  readonly bias: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

export interface NetworkInput extends Placed {
  readonly index: number;
  readonly label: string;
  /** [3, H, W] */
  readonly input: Float32Array;
  /** Whether a single logit stands for two classes. */
  readonly binary: boolean;
}

export interface Views {
  /** [views * features]; the plain one first. */
  readonly views: Float32Array;
  /** As `Example.lean` (src/teach/fit.ts). */
  readonly lean: Float32Array | null;
}

export interface Answers {
  readonly stage: Activation;
  /** [features] */
  readonly embed: Float32Array;
  readonly views: Views;
  /** Null where the map would not be exact. */
  readonly map: ClassMap | null;
  readonly input: NetworkInput;
}

export type What = keyof Answers;
export type AskedFor<W extends What> = Extract<Asked, { readonly what: W }>;

/** What of a session the answers are made with. */
export interface Within {
  readonly network: Network;
  readonly preprocess: Preprocess;
  readonly labels: readonly string[] | null;
  /** Path or URL, for messages. */
  readonly origin: string;
  /** As the scheduler's, of an image or, behind the first stage, of an activation. */
  run(input: Float32Array | GpuInput, range: Range): Promise<Float32Array>;
  /** See `Host`. */
  readonly host: {
    decode(image: unknown, signal: AbortSignal | null | undefined): Promise<Pixels>;
    crop?(
      image: unknown,
      specs: readonly CropSpec[],
      signal: AbortSignal | null | undefined,
    ): Promise<(Uint8Array | Uint8ClampedArray)[] | null>;
  };
  readonly signal: AbortSignal | null | undefined;
}

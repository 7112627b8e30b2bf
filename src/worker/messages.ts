import type { EngineStats } from "../engine.js";
import type { Answers, Asked, What } from "../features/asked.js";
import type { Architecture } from "../graph/network.js";
import type { Crop } from "../image/crop.js";
import type { CropSpec } from "../image/preprocess.js";
import type { ClassifyOptions, LoadOptions, Prediction, Preprocess, Progress } from "../options.js";
import type { PlanSummary, StagePlacement } from "../plan.js";
import type { SentError } from "./errors.js";

/** Options that survive a structured clone. */
export type SentOptions = Omit<LoadOptions, "signal" | "onProgress" | "worker">;

export type Ask =
  | {
      readonly kind: "open";
      readonly source: string | Blob | ArrayBuffer;
      readonly options: SentOptions;
      readonly watched: boolean;
      /** For the stats: see `openInPlace`. */
      readonly note?: string;
    }
  | { readonly kind: "run"; readonly input: Float32Array }
  /** As `run`, on what lies in the mailbox. */
  | { readonly kind: "collect" }
  | { readonly kind: "classify"; readonly image: unknown; readonly options: ClassifyOptions }
  | { readonly kind: "features"; readonly asked: Asked }
  /** An image to what a network sees of it. A worker without a session answers it, too. */
  | {
      readonly kind: "crop";
      readonly image: unknown;
      readonly spec: CropSpec;
      readonly part?: Pick<ClassifyOptions, "region" | "rotation">;
    }
  | { readonly kind: "close" };

/** To the worker: a request, answered once under its number, or word that nobody waits for it any more. */
export type Request = (Ask & { readonly id: number }) | { readonly kind: "abort"; readonly id: number };

/** What never changes about a session. */
export interface Facts {
  readonly inputShape: [number, number, number, number];
  readonly labels: readonly string[] | null;
  readonly preprocess: Preprocess;
  readonly assumed: Partial<Architecture>;
  readonly embedding: number | null;
}

/** What may: sent along with an answer when it did. */
export interface State {
  readonly plan: { readonly stages: readonly StagePlacement[]; readonly summary: PlanSummary };
  readonly stats: EngineStats;
  readonly doubts: readonly string[];
}

/** From the worker. */
export type News =
  /** A sign of life. `starting`: a thread, and hello comes again once that has returned or failed: in some browsers it never does. */
  | { readonly hello: true; readonly lock?: string; readonly starting?: true }
  | { readonly progress: Progress }
  /** What lay in the mailbox will be answered in a moment. */
  | { readonly soon: true }
  | Answer;

/** To a request, under its number. */
export type Answer =
  | {
      readonly id: number;
      readonly value: Facts | Float32Array | Prediction[] | Answers[What] | Crop["crop"] | undefined;
      readonly state?: State;
      /** What a request to run came with, to be used again: fresh memory costs more than to fill it. */
      readonly spare?: Float32Array<ArrayBuffer>;
      /** For requests and answers to come: see `Mailbox`. */
      readonly mailbox?: SharedArrayBuffer;
    }
  | { readonly id: number; readonly error: SentError; readonly state?: State };

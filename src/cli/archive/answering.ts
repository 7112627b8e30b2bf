import type { GpuInput } from "../../engine.js";
import type { ClassifyOptions, LoadOptions, Prediction, Preprocess } from "../../options.js";
import type { SessionInPlace } from "../../session/session.js";

/** What a picture is answered with. */
export interface Answer {
  readonly predictions: readonly Prediction[];
  /** Where they are asked for. */
  readonly logits?: readonly number[];
  readonly inferenceMs: number;
}

/** Which model answers, and what of its answers is wanted. */
export interface Wanted {
  readonly source: string | URL;
  readonly load: LoadOptions;
  readonly ranked: ClassifyOptions;
  readonly logits: boolean;
}

/** Who answers: a session in this thread, or one in each of several workers. */
export interface Answering {
  readonly preprocess: Preprocess;
  /** Scores are probabilities. */
  readonly isShare: boolean;
  readonly doubts: readonly string[];
  /** Pictures that are answered at a time, each by somebody of its own. */
  readonly width: number;
  /** Pictures that each of them may hold back until they can be answered together. */
  readonly depth: number;
  /** Somebody who could answer waits for pictures. */
  readonly isStarving: boolean;
  /** `rgb`: [height, width, 3] of the crop. */
  answer(rgb: Uint8Array | Uint8ClampedArray): Promise<Answer>;
  /** No more pictures will come: none is held back. */
  finish(): void;
  close(): Promise<void>;
}

/** Throws what no picture can be answered with, before the first is decoded. */
export function prepare(session: SessionInPlace, { ranked }: Wanted): void {
  session.checkClasses();
  session.startWatch();
  session.rank(new Float32Array(session.classes), ranked);
}

export const isShare = ({ network }: SessionInPlace) => network.architecture.scores !== "none";

/** `tookOf`: milliseconds of an input's inference, where those are not all until its answer. */
export async function answerOne(
  session: SessionInPlace,
  input: Float32Array | GpuInput,
  { ranked, logits: wantsLogits }: Wanted,
  tookOf?: (input: object) => number | undefined,
): Promise<Answer> {
  const start = performance.now();
  const { logits, predictions } = await session.answer(input, ranked);
  const inferenceMs = tookOf?.(input) ?? performance.now() - start;
  return { predictions, inferenceMs, ...(wantsLogits && { logits: Array.from(logits) }) };
}

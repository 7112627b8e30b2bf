import { normalised } from "../../image/preprocess.js";
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
  /** Pictures that are answered at a time. */
  readonly width: number;
  /** Somebody who could answer waits for pictures. */
  readonly isStarving: boolean;
  /** `rgb`: [height, width, 3] of the crop. */
  answer(rgb: Uint8Array | Uint8ClampedArray): Promise<Answer>;
  close(): Promise<void>;
}

/** Throws what no picture can be answered with, before the first is decoded. */
export function prepare(session: SessionInPlace, { ranked }: Wanted): void {
  session.checkClasses();
  session.startWatch();
  session.rank(new Float32Array(session.classes), ranked);
}

export const isShare = ({ network }: SessionInPlace) => network.architecture.scores !== "none";

export async function answerOne(
  session: SessionInPlace,
  rgb: Uint8Array | Uint8ClampedArray,
  { ranked, logits: wantsLogits }: Wanted,
): Promise<Answer> {
  const input = normalised(rgb, session.preprocess);
  const start = performance.now();
  const { logits, predictions } = await session.answer(input, ranked);
  const inferenceMs = performance.now() - start;
  return { predictions, inferenceMs, ...(wantsLogits && { logits: Array.from(logits) }) };
}

import type { Prediction } from "resnet-edge";
import type { CameraState } from "./camera.js";

/** What a kiosk can be in. The operator's settings lie over any of these. */
export const states = [
  "loading",
  "offline",
  "model-failed",
  "asking",
  "denied",
  "no-camera",
  "camera-lost",
  "starting",
  "sure",
  "unsure",
  "none",
  "picture",
  "picture-failed",
  "teaching",
] as const;

export type State = (typeof states)[number];

/** How a face looks. */
export type Tone = "wait" | "good" | "wonder" | "trouble" | "curious";

/** All that a state follows from. */
export interface Situation {
  readonly mode: "camera" | "pictures" | "teach";
  /** "missing": neither kept nor to be fetched. "failed": it is here, and does not run. */
  readonly model: "loading" | "ready" | "missing" | "failed";
  readonly camera: CameraState;
  readonly pictureFailed: boolean;
  /** Of what is shown, the best first; null before the first answer. */
  readonly answer: readonly Prediction[] | null;
  /** The least score, 0 to 1, that counts as sure. */
  readonly sureFrom: number;
  /** Classes that the model tells; 0 where that is not known. */
  readonly classes: number;
  readonly paused: boolean;
}

/** What a state shows and says. */
export interface Face {
  readonly state: State;
  readonly tone: Tone;
  /** A few words above the heading; "": none. */
  readonly eyebrow: string;
  readonly heading: string;
  /** A sentence below it; "": none. */
  readonly words: string;
}

const ofCamera: Partial<Record<CameraState, State>> = {
  asking: "asking",
  denied: "denied",
  missing: "no-camera",
  lost: "camera-lost",
};

export function stateOf({ mode, model, camera, pictureFailed, answer, sureFrom }: Situation): State {
  if (mode === "teach") return "teaching";
  if (model === "missing") return "offline";
  if (model === "failed") return "model-failed";
  // Before loading: somebody must do something about it, and may do it meanwhile.
  const trouble = mode === "camera" ? ofCamera[camera] : undefined;
  if (trouble) return trouble;
  if (model === "loading") return "loading";
  if (mode === "pictures" && pictureFailed) return "picture-failed";
  const [best] = answer ?? [];
  if (!best) return "starting";
  if (best.index < 0) return "none";
  if (best.score < sureFrom) return "unsure";
  return mode === "pictures" ? "picture" : "sure";
}

type Fixed = Omit<Face, "state" | "eyebrow">;

const fixed: Partial<Record<State, Fixed>> = {
  loading: { tone: "wait", heading: "One moment", words: "I am getting ready." },
  starting: { tone: "wait", heading: "Nearly there", words: "I wait for the first picture." },
  asking: {
    tone: "curious",
    heading: "May I look?",
    words: "The browser is asking: please allow the camera. Pictures stay on this device.",
  },
  denied: {
    tone: "trouble",
    heading: "I may not look",
    words: "The camera is not allowed here. Allow it in the browser's settings, and I begin by myself.",
  },
  "no-camera": {
    tone: "trouble",
    heading: "I have no camera",
    words: "Connect one, and I find it by myself.",
  },
  "camera-lost": {
    tone: "trouble",
    heading: "I lost my camera",
    words: "It was unplugged, or another program has it. I go on when it is back.",
  },
  "picture-failed": {
    tone: "trouble",
    heading: "I cannot read this picture",
    words: "It is damaged, too large, or of a kind that this browser does not know.",
  },
  "model-failed": {
    tone: "trouble",
    heading: "I cannot answer now",
    words: "My model does not run on this device. I keep trying.",
  },
  offline: {
    tone: "trouble",
    heading: "I need the network once",
    words: "My model is not kept here yet. Connect me to my server, and I begin by myself.",
  },
  teaching: { tone: "curious", heading: "Teach me", words: "Two names at least, and about ten pictures of each." },
};

/** What is shown and said of a situation. */
export function faceOf(situation: Situation): Face {
  const state = stateOf(situation);
  const eyebrow = situation.paused ? "Paused" : "";
  const plain = fixed[state];
  if (plain) return { state, eyebrow, ...plain };
  const [best, second] = situation.answer!;
  const { classes, mode } = situation;
  if (state === "none") {
    const known = classes > 0 ? `the ${classes} things` : "all";
    return {
      state,
      tone: "wonder",
      eyebrow: eyebrow || "I see",
      heading: "None of these",
      words: `This is unlike ${known} that I know.`,
    };
  }
  if (state === "unsure") {
    const other = second && second.index >= 0 ? ` It could be ${second.label} as well.` : "";
    return {
      state,
      tone: "wonder",
      eyebrow: eyebrow || "Perhaps",
      heading: `${best!.label}?`,
      words: `I am not sure.${other}`,
    };
  }
  const seen = mode === "pictures" ? "In this picture I see" : "I see";
  return { state, tone: "good", eyebrow: eyebrow || seen, heading: best!.label, words: "" };
}

/** What a screen reader is told: of an answer its label, and how sure it is. */
export function spoken({ state, heading, words }: Face, answer: readonly Prediction[] | null): string {
  const [best] = answer ?? [];
  const percent = `${(100 * (best?.score ?? 0)).toFixed(0)} percent`;
  if (state === "sure" || state === "picture") return `${best!.label}, ${percent}`;
  if (state === "unsure") return `perhaps ${best!.label}, ${percent}`;
  return `${heading}. ${words}`;
}

/**
 * The same while a screen reader need not speak again: an answer that is a little surer is no other answer. `picture` tells pictures
 * apart that are shown in turn: the next one may be of the same class.
 */
export function keyOf({ state }: Face, answer: readonly Prediction[] | null, picture: string): string {
  const isAnswer = state === "sure" || state === "unsure" || state === "none" || state === "picture";
  return isAnswer ? `${answer![0]!.label} of ${picture}` : state;
}

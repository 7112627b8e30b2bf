import { isSame } from "./alternatives.js";
import { confidence } from "./fit.js";
import { type Found, isOneKind, type Reading, traitsOf } from "./search.js";

export interface Verdict {
  readonly answer: "fits" | "does not fit" | "cannot be told";
  /** Why, in sentences. */
  readonly reasons: readonly string[];
  /** Others that fit as well as the best one, as far as these pictures tell. */
  readonly alike: readonly Reading[];
}

/** Fewer pictures are a hint, no more. */
export const ENOUGH = 8;
/** Distances as measured on published networks: docs/check.md. */
const FITS = 0.38;
const FAR = 0.5;
/** One reading is better than another where its distance is so much less, in so many of a hundred samples of the pictures. */
const BETTER = 1.08;
const SURE = 0.85;
/** The same of pictures of one kind. */
const BETTER_OF_ONE_KIND = 1.3;
/** Without statistics: shares of the pictures that predictions do not tell apart. */
const DECIDED = 0.35;
const MUCH = 0.25;

export function judge({ assumed, readings, statistics }: Found, pictures: number): Verdict {
  const best = readings[0]!;
  const oneKind = isOneKind(readings);
  const factor = oneKind ? BETTER_OF_ONE_KIND : BETTER;
  const better = (one: Reading, other: Reading) =>
    statistics ? isBetter(one, other, factor) : other.distance - one.distance > MUCH;
  const alike = readings.filter((it) => it !== best && !better(best, it));
  const few =
    pictures < ENOUGH
      ? `${pictures} picture${pictures > 1 ? "s are" : " is"} a hint; give ${ENOUGH} and more, of various kinds.`
      : null;
  const told = (answer: Verdict["answer"], ...reasons: (string | null)[]): Verdict => ({
    answer,
    reasons: reasons.filter((it) => it !== null),
    alike,
  });
  if (best !== assumed && better(best, assumed)) {
    const how = statistics
      ? `It is ${number(best.distance)} away from what training saw, against ${number(assumed.distance)}.`
      : `Its predictions tell ${percent(1 - best.distance)} of the pictures apart, against ${percent(1 - assumed.distance)}.`;
    const change = differences(best, assumed).join(" ");
    return told(few ? "cannot be told" : "does not fit", `Another reading fits better: ${change}.`, how, few);
  }
  if (!statistics) {
    const what = "The file carries no statistics: its BatchNorms were folded, or never trained.";
    if (assumed.distance > DECIDED) {
      return told(
        "cannot be told",
        what,
        `Predictions are vague or alike: they tell ${percent(1 - assumed.distance)} of the pictures apart.`,
        few,
      );
    }
    return told(
      few ? "cannot be told" : "fits",
      what,
      `Predictions are certain (${percent(assumed.certainty)} on average) and differ from picture to picture.`,
      few,
    );
  }
  const distance = `Pictures are ${number(assumed.distance)} away from what training saw`;
  const alone = readings.length === 1;
  if (assumed.distance > FAR && !few) {
    return told(
      "does not fit",
      alone
        ? `${distance}: other pictures than training's, or another structure or preprocessing than is assumed; resnet-edge check tries others.`
        : `${distance}, and nothing that was tried is nearer: other pictures than training's, or a structure or a preprocessing that was not tried.`,
    );
  }
  const alikeEach = oneKind ? "They are of one kind, or unlike training's: various ones tell more." : null;
  if (assumed.distance > FITS) return told("cannot be told", `${distance}.`, alikeEach, few);
  return told(
    few ? "cannot be told" : "fits",
    `${distance}${alone ? "" : ", and nothing that was tried is nearer"}.`,
    alikeEach,
    few,
  );
}

function isBetter(one: Reading, other: Reading, factor: number): boolean {
  return other.distance >= factor * one.distance && confidence(one.layers, other.layers) >= SURE;
}

/** What sets a reading apart from another one, as the command takes it. */
export function differences(reading: Reading, other: Reading): string[] {
  const before = new Map(traitsOf(other.architecture).map(([name, value]) => [name, JSON.stringify(value)]));
  const changed = traitsOf(reading.architecture).filter(
    ([name, value]) => value !== null && JSON.stringify(value) !== before.get(name),
  );
  const words: string[] = [];
  if (changed.length > 0) words.push(`--architecture '${JSON.stringify(Object.fromEntries(changed))}'`);
  const { normalisation } = reading;
  if (!isSame(normalisation, other.normalisation))
    words.push(`--mean ${list(normalisation.mean)} --std ${list(normalisation.std)}`);
  return words;
}

const list = (values: readonly number[]) => values.map((value) => +value.toPrecision(4)).join(",");
const number = (value: number) => value.toFixed(2);
const percent = (share: number) => `${Math.round(100 * share)} %`;

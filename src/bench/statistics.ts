import { median } from "../base/median.js";

/**
 * Statistics of times that were measured in turns. All of them are distribution-free: they take order statistics, whose places follow
 * from the binomial distribution, since times on shared machines have long tails.
 */

/** A median and where it may lie. */
export interface Spread {
  readonly median: number;
  /** Limits of the median's confidence interval. With few values: the least and the most of them. */
  readonly low: number;
  readonly high: number;
  /** What those limits hold with; less than what was asked for where there are too few values. */
  readonly confidence: number;
}

/** What was measured of one configuration: a value a round. */
export interface Series {
  readonly name: string;
  readonly ms: readonly number[];
}

export interface Verdict {
  /** What is faster than all others, beyond noise and margin; null where nothing is. */
  readonly winner: string | null;
  /** Where there is no winner: the fastest by median, and all that cannot be told from it. */
  readonly together: readonly string[];
  /** How many times as long as the fastest each other one takes, round by round, and where that ratio lies. */
  readonly ratios: readonly { readonly name: string; readonly ratio: Spread }[];
  /** Rounds that count. */
  readonly rounds: number;
  /** A sentence. */
  readonly text: string;
}

/** How often a winner may be named among configurations that are all the same. */
const FALSE_WINNERS = 0.001;
/** Ratios this near to 1 are no difference: what the place of code and data in memory can make. */
export const MARGIN = 1.02;

/** The median's interval between two order statistics (the sign test's), `error` on both sides together. */
export function spreadOf(values: readonly number[], error = 0.05): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const cut = Math.max(0, beyond(sorted.length, error / 2) - 1);
  return {
    median: median(sorted),
    low: sorted[cut] ?? Number.NaN,
    high: sorted[sorted.length - 1 - cut] ?? Number.NaN,
    confidence: Math.max(0, 1 - 2 * tail(sorted.length, cut)),
  };
}

/**
 * Which configuration is the fastest. A winner's rounds are compared with each other one's, so that drift, which changes
 * whole rounds, cancels. The limits of ratios are those of all ordered pairs together (Bonferroni): the candidate is chosen from the same data.
 */
export function judge(series: readonly Series[]): Verdict {
  const rounds = Math.min(...series.map(({ ms }) => ms.length), Number.MAX_SAFE_INTEGER);
  const whole = series.map(({ name, ms }) => ({ name, ms: ms.slice(0, rounds) }));
  const [fastest, ...others] = whole.toSorted((a, b) => median(a.ms) - median(b.ms));
  if (!fastest || others.length === 0 || rounds === 0) {
    return { winner: null, together: whole.map(({ name }) => name), ratios: [], rounds, text: "Nothing to compare." };
  }
  const error = FALSE_WINNERS / (whole.length * (whole.length - 1));
  const isEnough = beyond(rounds, error) > 0;
  const ratios = others.map(({ name, ms }) => {
    const each = ms.map((value, round) => value / fastest.ms[round]!);
    return { name, ratio: spreadOf(each, 2 * error) };
  });
  const near = ratios.filter(({ ratio }) => !isEnough || !(ratio.low > MARGIN));
  if (near.length === 0) {
    const { ratio } = ratios[0]!;
    const range = `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`;
    const text = `${fastest.name} is the fastest: ${ratios[0]!.name} takes ${ratio.median.toFixed(2)} times as long (${range}).`;
    return { winner: fastest.name, together: [fastest.name], ratios, rounds, text };
  }
  const together = [fastest.name, ...near.map(({ name }) => name)];
  const few = isEnough
    ? ""
    : ` ${rounds} rounds are too few to tell ${whole.length} apart: ${roundsFor(whole.length)} at least.`;
  const text = `No difference measured between ${listed(together)}; measure again.${few}`;
  return { winner: null, together, ratios, rounds, text };
}

/** The least rounds from which a winner among so many can be named at all. */
export function roundsFor(configurations: number): number {
  const error = FALSE_WINNERS / (configurations * (configurations - 1));
  return Math.ceil(-Math.log2(error));
}

/** How many of the least values of `count` lie below the median by so little chance. */
function beyond(count: number, error: number): number {
  let cut = 0;
  while (cut < count / 2 && tail(count, cut) <= error) cut++;
  return cut;
}

/** The chance that `most` fair coins of `count`, or fewer, show heads. */
function tail(count: number, most: number): number {
  // By logarithms: from 1,075 coins on 0.5 ** count is zero.
  let logarithm = -count * Math.LN2;
  let sum = Math.exp(logarithm);
  for (let heads = 1; heads <= most; heads++) {
    logarithm += Math.log((count - heads + 1) / heads);
    sum += Math.exp(logarithm);
  }
  return Math.min(1, sum);
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

import { median } from "../base/median.js";

/** A configuration that is measured: opened afresh each time that it has its turn. */
export interface Contender {
  readonly name: string;
  open(): Promise<Opened>;
}

export interface Opened {
  run(): Promise<unknown>;
  close(): Promise<void>;
}

export interface TurnOptions {
  readonly rounds: number;
  /** The clock's smallest step, in ms: a sample lasts `TICKS` of it at least. */
  readonly clockMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Before a turn: what has it, and the share of all turns that are done. */
  readonly onTurn?: (name: string, round: number, share: number) => void;
  /** After a round: the times of each configuration, a value a round. */
  readonly onRound?: (ms: readonly (readonly number[])[]) => void;
}

/** What runs before the clock counts: optimised code comes, clocks rise, small networks try their tiles. */
const WARM_MS = 150;
const WARM_RUNS = 3;
/** A turn's value is the median of so many samples at least, and of as long. */
const SAMPLES = 3;
const TURN_MS = 60;
const TICKS = 50;

/**
 * Measures configurations in turns, `rounds` times each. Every turn opens an engine of its own: where its code and data happen to lie
 * would otherwise be measured as if it were the configuration's. Every second round has the order of the one before reversed, so that what
 * grows from turn to turn weighs on all alike. Ends early, with whole rounds, where `signal` is aborted.
 */
export async function takeTurns(contenders: readonly Contender[], options: TurnOptions): Promise<number[][]> {
  const { rounds, clockMs = 0, signal, onTurn, onRound } = options;
  const ms = contenders.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    const order = orderOf(contenders.length, round);
    const values: number[] = [];
    for (const [turn, index] of order.entries()) {
      if (signal?.aborted) return ms;
      const contender = contenders[index]!;
      onTurn?.(contender.name, round, (round + turn / order.length) / rounds);
      const opened = await contender.open();
      try {
        values[index] = await turnOf(opened, clockMs * TICKS);
      } finally {
        await opened.close();
      }
    }
    for (const [index, value] of values.entries()) ms[index]!.push(value);
    onRound?.(ms);
  }
  return ms;
}

/** Whose turn it is in a round: each pair of rounds begins one place further on, and its second goes the other way. */
export function orderOf(count: number, round: number): number[] {
  const order = Array.from({ length: count }, (_, place) => (place + (round >> 1)) % count);
  return round % 2 === 1 ? order.reverse() : order;
}

/** `leastMs`: of one sample, which is the mean of as many calls as that takes. */
async function turnOf({ run }: Opened, leastMs: number): Promise<number> {
  const begun = performance.now();
  let runs = 0;
  do {
    await run();
    runs++;
  } while (runs < WARM_RUNS || performance.now() - begun < WARM_MS);
  const calls = Math.max(1, Math.ceil((leastMs * runs) / (performance.now() - begun)));
  const samples: number[] = [];
  const from = performance.now();
  while (samples.length < SAMPLES || performance.now() - from < TURN_MS) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) await run();
    samples.push((performance.now() - start) / calls);
  }
  return median(samples);
}

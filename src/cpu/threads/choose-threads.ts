import type { WorkerHandle } from "../../worker/handle/handle.js";

/** Starts a worker that runs `serveThread`. Throws where there can be none. */
export type StartThread = () => WorkerHandle;

/** What this host can offer. */
export interface ThreadSupport {
  readonly start: StartThread;
  /** Logical processors. */
  readonly cores: number;
  /** Why there can be no more than one thread here; null where there can. */
  readonly obstacle: string | null;
  /** The thread that starts them is ended as soon as its engine has closed. */
  readonly endsNext?: boolean;
}

/** How many threads, and why that many. */
export interface ThreadChoice {
  readonly threads: number;
  readonly reason: string;
}

/** More than this gains nothing on networks of this size, and costs memory. */
const MOST_THREADS = 8;
/** Nor does anyone mean more than this. */
const MOST_ASKED = 64;
/** About a millisecond of one core. A thread that has less to do in an inference is not worth its waking. */
const LEAST_MACS = 25e6;
/** `macs`: multiply-adds of one inference. */
export function chooseThreads(wanted: "auto" | number, support: ThreadSupport | undefined, macs: number): ThreadChoice {
  if (wanted === 1) return { threads: 1, reason: "one was asked for" };
  const obstacle = support ? support.obstacle : "this host has no threads";
  if (obstacle) return { threads: 1, reason: obstacle };
  if (wanted !== "auto") return { threads: Math.min(wanted, MOST_ASKED), reason: `${wanted} were asked for` };
  const useful = Math.max(1, Math.floor(macs / LEAST_MACS));
  const { cores } = support!;
  if (useful < Math.min(cores, MOST_THREADS)) return { threads: useful, reason: "the network is too small for more" };
  const reason = cores === 1 ? "one core is reported" : `${cores} cores are reported`;
  return { threads: Math.min(cores, MOST_THREADS), reason };
}

/**
 * The memory through which threads synchronise: byte offsets, shared by the interpreter (AssemblyScript) and the code that starts
 * threads (TypeScript). Words that different threads write and watch are on different cache lines, against false sharing.
 */
export enum Sync {
  /** i64. Upper half: the operation's number. Lower half: the first free piece, and the end of the free ones. */
  ticket = 0,
  /** Pieces of the present operation that are done. */
  done = 64,
  /** A counter on which threads sleep; it changes whenever they should wake. */
  event = 128,
  /** Not 0 once a thread has died: all others leave. */
  failed = 132,
  /** An operation's record is its number plus this. */
  offset = 192,
  /** The end of the run's records. */
  last = 196,
  size = 256,
}

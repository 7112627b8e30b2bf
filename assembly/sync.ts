/**
 * The block at which threads meet: byte offsets, shared by the interpreter (AssemblyScript) and whoever starts the threads
 * (TypeScript). What one thread writes while others watch something else has a cache line of its own.
 */
export enum Sync {
  /** i64: the operation's number in the upper half; in the lower, the first piece that nobody has taken and the end of those. */
  ticket = 0,
  /** Pieces of the present operation that are done. */
  done = 64,
  /** Counts whatever a sleeper should wake for. */
  event = 128,
  /** Set where a thread died: everyone leaves. */
  failed = 132,
  /** An operation's record is its number plus this. */
  offset = 192,
  /** The end of the run's records. */
  last = 196,
  size = 256,
}

import { setTimeout } from "node:timers/promises";

/** Rejects with the signal's reason as soon as it is aborted. */
export async function pause(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal: signal ?? undefined });
  } catch (error) {
    throw signal?.reason ?? error;
  }
}

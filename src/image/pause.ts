import { throwIfAborted } from "../errors.js";

/** Lets the thread's other tasks run, an abort among them. */
export async function pause(signal?: AbortSignal | null): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  throwIfAborted(signal);
}

/** As long as Node's timers may wait. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Keeps Node's event loop turning until `work` is settled. Compiling WebAssembly alone does not: Node then waits for all
 * background work while its main thread sleeps. A function that is optimized meanwhile may wait for that thread to collect
 * garbage, and both wait for ever (https://github.com/nodejs/node/issues/54918).
 */
export async function stayAwake<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, LONGEST_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects garbage, for the end of a command. A Node process that ends waits for functions that V8 still optimizes. One of these
 * may wait for a collection, which nobody does any more: the process hangs (https://github.com/nodejs/node/issues/54918).
 * After a collection there is room for them.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  if (typeof collect === "function") collect();
}

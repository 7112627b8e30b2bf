import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Pictures between two collections; and between two of all objects: a crop that waited for a stack is young no more. */
const PICTURES = 8;
const MANY_PICTURES = 64;

/**
 * To be called for each picture whose crop has memory of its own: collects young objects now and then. Such memory lies outside V8's
 * heap and is freed with the small objects that stand for it, old ones now and then; V8 itself waits for 32 MB of it. Does nothing where
 * V8 has no such function.
 */
export function youngCollector(): () => void {
  let gc: ((options: { type: "minor" | "major" }) => void) | undefined;
  try {
    setFlagsFromString("--expose-gc");
    gc = runInNewContext("gc");
  } catch {
    // Bun and Deno.
  }
  let since = 0;
  return () => {
    if (++since % PICTURES === 0) gc?.({ type: since % MANY_PICTURES === 0 ? "major" : "minor" });
  };
}

import type { Graph } from "./network.js";

/** Neither what an operation is called nor its weights' values, or their place in a file, change how long it takes. */
const LEFT_OUT = new Set(["name", "needs", "statistics", "parameters"]);

/**
 * A short text for what a network computes: its operations with all of their fields, and their shapes. What is measured of one
 * network is right for another with the same text.
 */
export function graphKey({ stages, values }: Graph): string {
  const text = JSON.stringify([values, stages], (field, value) => (LEFT_OUT.has(field) ? undefined : value));
  // FNV-1a (Fowler, Noll and Vo), twice over with different primes: 64 bits.
  let [one, other] = [0x811c9dc5, 0xcbf29ce4];
  for (let at = 0; at < text.length; at++) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193);
    other = Math.imul(other ^ text.charCodeAt(at), 0x5bd1e995);
    other ^= other >>> 15;
  }
  return [one, other].map((half) => (half >>> 0).toString(16)).join("");
}

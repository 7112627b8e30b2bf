import type { AcceleratorName } from "../engine.js";
import type { Costs } from "./planner.js";

/**
 * Costs with one accelerator, from the text that a store kept of them. Null for a text that does not hold them whole, such as one of
 * another device or in an older form: they are measured again.
 */
export function readCosts(text: string, device: AcceleratorName, stages: number): Costs | null {
  try {
    const costs = JSON.parse(text) as Costs;
    const { up, down, wait } = costs.moves[device]!;
    const isWhole = [costs.stages.cpu, costs.stages[device]!, up, down].every(
      (it) => it.length === stages && it.every(isTime),
    );
    return isWhole && isTime(wait) ? costs : null;
  } catch {
    return null;
  }
}

function isTime(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0;
}

import { BoxField, ExtendedKernel } from "../../../assembly/shared/extended.js";
import { Field } from "../../../assembly/shared/record.js";
import { RESERVED } from "../../../assembly/shared/sizes.js";
import { WasmError } from "../../errors.js";
import type { Kernels, Variant } from "../module.js";

export { lowerExtended } from "./lower.js";

/** Throws `WasmError` where a module, a caller's own say, has no extended kernels. Memory is zero before and after. */
export function assertExtended(kernels: Kernels, variant: Variant): void {
  const record = new Int32Array(kernels.memory.buffer, RESERVED, Field.size);
  // A copy of one word onto itself.
  const at = RESERVED + record.byteLength;
  record[Field.kernel] = ExtendedKernel.copyBox;
  record[Field.pieces] = 1;
  record[Field.input] = at;
  record[Field.output] = at;
  for (const count of [BoxField.count1, BoxField.count2, BoxField.count3]) record[count] = 1;
  try {
    kernels.run(RESERVED, 0, 1, at);
  } catch {
    throw new WasmError(
      `The given module of kernels (options.wasm) has none for this network's operations: give cpu-${variant}.wasm.`,
    );
  } finally {
    record.fill(0);
  }
}

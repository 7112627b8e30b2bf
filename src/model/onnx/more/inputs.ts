import { OptionError } from "../../../errors.js";
import { elementCount } from "../../../graph/tensor.js";
import { type Constant, computed } from "../constants.js";
import { Type, type ValueInfo } from "../proto.js";

/** Inputs to which a caller gives values. */
export function boundInputs(
  inputs: Readonly<Record<string, ArrayLike<number> | ArrayLike<bigint>>>,
  infos: readonly ValueInfo[],
  origin: string,
): Map<string, Constant> {
  const found = new Map<string, Constant>();
  for (const [name, given] of Object.entries(inputs)) {
    const info = infos.find((it) => it.name === name);
    if (!info) {
      throw new OptionError(
        `inputs has "${name}", which is no input of ${origin}; it has ${infos.map((it) => `"${it.name}"`).join(", ")}.`,
      );
    }
    const values = Float64Array.from(given as ArrayLike<number>, Number);
    const shape = info.shape?.map((extent) => (typeof extent === "number" ? extent : 1)) ?? [values.length];
    if (elementCount(shape) !== values.length) {
      throw new OptionError(`inputs.${name} has ${values.length} values; its shape is [${info.shape}].`);
    }
    found.set(name, computed(values, shape, info.type ?? Type.float));
  }
  return found;
}

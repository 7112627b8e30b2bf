import { OptionError } from "../errors.js";
import type { LoadOptions } from "../options.js";

const allowed = {
  device: ["auto", "cpu", "gpu"],
  simd: ["auto", "baseline", "relaxed"],
  memory: ["fast", "small"],
  decode: ["exact", "fast"],
  precision: ["f32", "f16"],
  tile: ["auto", "4x8", "6x8", "6x16"],
  convolution: ["auto", "direct", "winograd2", "winograd4", "winograd4-lean"],
} as const satisfies { readonly [Field in keyof LoadOptions]: readonly LoadOptions[Field][] };

/** Throws `OptionError` for a value that an option does not have. */
export function checkOptions(options: LoadOptions): void {
  for (const [name, values] of Object.entries(allowed) as [keyof typeof allowed, readonly string[]][]) {
    const value = options[name];
    if (value !== undefined && !values.includes(value)) {
      throw new OptionError(`${name} is "${value}"; it must be one of ${values.join(", ")}.`);
    }
  }
  const { threads } = options;
  if (threads !== undefined && threads !== "auto" && !(Number.isInteger(threads) && threads >= 1)) {
    throw new OptionError(`threads is ${threads}; it must be "auto" or a whole number from 1.`);
  }
}

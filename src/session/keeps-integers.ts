import type { LoadOptions } from "../options.js";

/** Whether a file of integers is to run in integers: a GPU computes in float alone, and so do hosts without the code. */
export const keepsIntegers = (
  { device, precision }: Pick<LoadOptions, "device" | "precision">,
  { inFloat = false } = {},
): boolean => precision !== "f32" && device !== "gpu" && !inFloat;

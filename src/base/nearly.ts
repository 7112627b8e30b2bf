/** Word that a long inference is nearly done comes so long before its end, at most. */
export const NEARLY_MS = 4;

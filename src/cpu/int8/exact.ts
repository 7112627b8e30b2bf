/** Adding 1.5 * 2^23 rounds what lies within this. */
export const MOST_STEPS = 2 ** 22;
/** Products of a byte and a weight, in magnitude at most 255 * 127, whose sum is held by 32 bits. */
export const MOST_PRODUCTS = Math.floor((2 ** 31 - 1) / (255 * 127));

/** Of an even number, the upper one of the middle two. */
export const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

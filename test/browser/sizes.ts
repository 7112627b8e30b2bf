/** A phone of old, a phone both ways, a wall both ways, 4K. */
export const sizes = [
  [320, 568],
  [390, 844],
  [844, 390],
  [1080, 1920],
  [1920, 1080],
  [3840, 2160],
] as const;

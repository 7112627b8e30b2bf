/** Each file that scripts/tiles.mjs writes: its path from the project's root, and its text. */
export const written: readonly { readonly path: string; readonly text: string }[];

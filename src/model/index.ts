// The whole of it, for Node and for tests. A page takes build.ts and card.ts, and the rest where a file needs it.
export type { BuildOptions } from "./build.js";
export { type ModelCard, modelCard } from "./card.js";
export { describeNetwork, describeStages, type NetworkDescription, type StageDescription } from "./describe.js";
export { invertedNames } from "./families/pseudo-random.js";
export { defaultPreprocess, preprocessFor } from "./preprocess.js";
export { type PseudoRandomOptions, pseudoRandomNetwork } from "./pseudo-random.js";
export { buildNetwork } from "./unusual/build.js";
export { type CardFiles, readFolder } from "./unusual/card.js";
export { wellKnownArchitecture, wellKnownNames } from "./unusual/well-known.js";

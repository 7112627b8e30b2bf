export { wellKnownArchitecture, wellKnownNames } from "./architectures.js";
export { type BuildOptions, buildNetwork } from "./build.js";
export { type CardFiles, defaultPreprocess, type ModelCard, modelCard, preprocessFor } from "./card.js";
export { describeNetwork, type NetworkDescription, type StageDescription } from "./describe.js";
export { type PseudoRandomOptions, pseudoRandomNetwork } from "./pseudo-random.js";

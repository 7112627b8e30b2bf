export { wellKnownArchitecture, wellKnownNames } from "./architectures.js";
export { type BuildOptions, buildNetwork } from "./build.js";
export { type ModelCard, modelCard } from "./card.js";
export { describeNetwork, type NetworkDescription, type StageDescription } from "./describe.js";
export { defaultPreprocess, preprocessFor } from "./preprocess.js";
export { type PseudoRandomOptions, pseudoRandomNetwork } from "./pseudo-random.js";

import type { Architecture, Network } from "../../graph/network.js";
import type { TensorInfo } from "../../graph/tensor.js";
import type { Sides } from "../assemble.js";
import type { Parameters } from "../parameters.js";

/** A network of a family beside the ResNets, as its names and shapes show it. */
export interface FoundFamily {
  readonly name: string;
  /** 0: the file has no classifier. */
  readonly classes: number;
  /** What the names of the classifier's tensors begin with. */
  readonly classifier: string;
  /** "3x3": made for CIFAR's images. */
  readonly stem?: Architecture["stem"];
  /** Every trait that weights do not show and that can be stated, with its usual value. */
  readonly usual: Partial<Architecture>;
  lay(traits: Partial<Architecture>, classes: number, parameters: Parameters, inputSize: Sides): Network;
}

/** Null where the names are of no such network. */
export type FamilyReader = (tensors: ReadonlyMap<string, TensorInfo>) => FoundFamily | null;

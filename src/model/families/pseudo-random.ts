import type { KnownArchitecture, Network } from "../../graph/network.js";
import type { Sides } from "../assemble.js";
import type { Parameters } from "../parameters.js";
import {
  type InvertedFamily,
  type InvertedShape,
  invertedFamilies,
  layInverted,
  shapeOfFamily,
  traitsOfFamily,
} from "./inverted.js";

/** Networks of inverted residuals that can be made without a file. */
export const invertedNames: readonly string[] = invertedFamilies.map(({ name }) => name);

export const findInverted = (name: string): InvertedFamily | undefined =>
  invertedFamilies.find((family) => family.name === name);

/** How made-up weights are spread so that activations keep their size. */
export interface Spread {
  /** Variance of a layer's weights, times its fan-in. */
  variance(layer: string): number;
  /** What a BatchNorm's weights are near. */
  centre(norm: string): number;
  /** Layers that have a bias. */
  readonly biased: ReadonlySet<string>;
}

/** A family's network; `make` makes up its parameters. */
export function inventInverted(
  family: InvertedFamily,
  classes: number,
  inputSize: Sides,
  make: (spread: Spread) => Parameters,
): Network {
  const shape = shapeOfFamily(family, classes);
  const architecture: KnownArchitecture = { name: family.name, classes };
  return layInverted(shape, traitsOfFamily(family, {}), architecture, make(spreadOf(shape)), inputSize);
}

function spreadOf(shape: InvertedShape): Spread {
  const variances = new Map<string, number>();
  const centres = new Map<string, number>();
  const biased = new Set<string>();
  const { hidden, classifier } = shape;
  for (const blocks of shape.stages) {
    for (const { expand, depthwise, squeeze, project } of blocks) {
      // What a block begins with had no activation before it.
      if (depthwise) variances.set((expand ?? depthwise).conv, 1);
      if (squeeze) {
        biased.add(squeeze.reduce).add(squeeze.expand);
        // A gate is a half, more or less.
        variances.set(project.conv, 8);
      }
      // Each sum of a stage is one more of equal size: together they grow as little as one.
      if (blocks.length > 1 && depthwise) centres.set(project.norm, Math.sqrt(1 / blocks.length));
    }
  }
  if (hidden) biased.add(hidden.name);
  if (classifier) {
    biased.add(classifier.name);
    variances.set(classifier.name, 1);
  }
  return {
    variance: (layer) => variances.get(layer) ?? 2,
    centre: (norm) => centres.get(norm) ?? 1,
    biased,
  };
}

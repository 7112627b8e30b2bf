import type { Vector, Weight } from "../../graph/network.js";
import { lazyVector } from "../../graph/vector.js";
import { IntegerParameters } from "../integers/parameters.js";
import type { Scales } from "../integers/scales.js";
import { partsNeeded, type Readable } from "./parametrized.js";

/** As `IntegerParameters`, with weights that are computed from parts. */
export class PartParameters extends IntegerParameters {
  constructor(
    private readonly readables: ReadonlyMap<string, Readable>,
    scales?: Scales["weights"],
  ) {
    // What is computed is looked up by name and shape alone there.
    super(readables as ConstructorParameters<typeof IntegerParameters>[0], scales);
  }

  override weight(name: string, shape: readonly number[]): Weight {
    const tensor = this.readables.get(name);
    if (!tensor || !("parts" in tensor)) return super.weight(name, shape);
    const vector = this.vector(
      name,
      shape.reduce((product, extent) => product * extent, 1),
      shape,
    );
    const row = vector.length / shape[0]!;
    return {
      shape,
      read: (begin, end, target) => target.set(vector.read().subarray(begin * row, end * row)),
      needs: () => vector.needs!,
    };
  }

  override vector(name: string, length: number, shape: readonly number[] = [length]): Vector {
    const tensor = this.readables.get(name);
    if (!tensor || !("parts" in tensor)) return super.vector(name, length);
    this.take(name, shape);
    for (const part of tensor.parts) if ("arrival" in part) part.arrival.claim(part.begin, part.end);
    return lazyVector(length, partsNeeded(tensor), () => Float64Array.from(tensor.compute()));
  }
}

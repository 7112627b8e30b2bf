import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import type { Vector, Weight } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import { lazyVector } from "../../graph/vector.js";
import { bytesNeeded, readRows, toFloat32 } from "../../weights/values.js";
import { FileParameters } from "../file-parameters.js";
import { checkScale, type FileTensor, type Scales } from "./scales.js";

/** As `FileParameters`, with weights of integers where the file has scales for them. */
export class IntegerParameters extends FileParameters {
  constructor(
    tensors: ReadonlyMap<string, FileTensor>,
    private readonly scales: Scales["weights"] = new Map(),
  ) {
    super(tensors);
  }

  override weight(name: string, shape: readonly number[]): Weight {
    const scale = this.scales.get(name.replace(/\.weight$/, ""));
    if (!scale) return super.weight(name, shape);
    const tensor = this.take(name, shape, ["i8"]);
    const scales = this.scaleVector(scale, shape[0]!);
    const row = elementCount(shape.slice(1));
    return {
      shape,
      needs: (end) => Math.max(bytesNeeded(tensor, end), scales.needs ?? 0),
      keep() {
        if ("arrival" in tensor) tensor.arrival.keep(tensor.begin, tensor.end);
      },
      read(begin, end, target) {
        readRows(tensor, begin, end, target);
        const factors = scales.read();
        for (let output = begin, at = 0; output < end; output++) {
          for (const stop = at + row; at < stop; at++) {
            if (target[at] === -128) throw beyond(name, output);
            target[at] = factors[output]! * target[at]!;
          }
        }
      },
      int8: {
        scales,
        read(begin, end, target) {
          const bytes = new Uint8Array(target.buffer, target.byteOffset, (end - begin) * row);
          if ("arrival" in tensor) tensor.arrival.read(tensor.begin + begin * row, bytes);
          else bytes.set(tensor.bytes.subarray(begin * row, end * row));
          const bad = bytes.indexOf(0x80);
          if (bad >= 0) throw beyond(name, begin + Math.floor(bad / row));
        },
      },
    };
  }

  private scaleVector(tensor: FileTensor, outputs: number): Vector {
    const { name, shape } = tensor;
    if (shape.length !== 1 || shape[0] !== outputs) {
      throw new UnsupportedModelError(`${name} has shape [${shape}]; expected [${outputs}], a scale for each channel.`);
    }
    if ("arrival" in tensor) tensor.arrival.claim(tensor.begin, tensor.end);
    const needs = bytesNeeded(tensor, outputs);
    const vector = lazyVector(outputs, needs, () => {
      const values = Float64Array.from(toFloat32(tensor));
      for (const [channel, value] of values.entries()) checkScale(value, `${name}[${channel}]`);
      return values;
    });
    // What is here is checked at once, as other vectors are.
    if (needs === 0) vector.read();
    return vector;
  }
}

const beyond = (name: string, output: number) =>
  new ModelFormatError(`${name}[${output}] holds -128; integer weights are -127 to 127. The file is damaged.`);

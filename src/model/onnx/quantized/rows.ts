import type { IntegerRows } from "../../../graph/network.js";
import { elementCount } from "../../../graph/tensor.js";
import { vectorOf } from "../builder.js";
import { type Constant, readConstant } from "../constants.js";

/** Integers of more than this are none of a device's weights. */
const MOST = 127;

/**
 * A layer's weights as integers, each output channel's times a scale; undefined where a file has others: floats, scales along another axis,
 * or integers that are further than 127 from their zero.
 */
export function rowsOf(constant: Constant): IntegerRows | undefined {
  const { linear, ...integers } = constant;
  const { shape } = integers;
  if (!linear || shape.length < 2 || (linear.scale.length > 1 && linear.axis !== 0)) return undefined;
  const outputs = shape[0]!;
  const each = (values: Float64Array) =>
    Float64Array.from({ length: outputs }, (_, at) => values[values.length === 1 ? 0 : at]!);
  const [scales, zeros] = [each(linear.scale), each(linear.zero)];
  if (!scales.every((scale) => scale > 0 && scale < Number.POSITIVE_INFINITY)) return undefined;
  const length = elementCount(shape.slice(1));
  const row = new Float32Array(length);
  const read = (output: number) => {
    readConstant(integers, output, output + 1, row);
    const zero = zeros[output]!;
    if (zero !== 0) for (let at = 0; at < length; at++) row[at]! -= zero;
    return row;
  };
  if (!isSmall(integers, zeros) && !everyRow(outputs, (output) => read(output).every((it) => Math.abs(it) <= MOST))) {
    return undefined;
  }
  return {
    scales: vectorOf(scales),
    read(begin, end, target) {
      for (let output = begin; output < end; output++) target.set(read(output), (output - begin) * length);
    },
  };
}

/** Whether bytes show by themselves that no integer is -128. */
const isSmall = ({ dtype, bytes }: Constant, zeros: Float64Array) =>
  dtype === "i8" && !bytes.includes(0x80) && zeros.every((zero) => zero === 0);

function everyRow(outputs: number, test: (output: number) => boolean): boolean {
  for (let output = 0; output < outputs; output++) if (!test(output)) return false;
  return true;
}

import type { BinaryOp, ExtendedOp, NormalizeOp, PadOp, PerAxis, ValueShape } from "../../src/graph/network.js";

/** An extended operation in plain loops, in f64, on CHW values. */
export function runExtended(
  op: ExtendedOp,
  inputs: readonly Float64Array[],
  shapes: readonly ValueShape[],
  to: ValueShape,
): Float64Array {
  const x = inputs[0]!;
  const from = shapes[0]!;
  switch (op.kind) {
    case "binary":
      return fill(to, (y, xx, c) => {
        const [one, other] = shapes.map((shape, which) => {
          const at = offset(
            shape,
            Math.min(y, shape.height - 1),
            Math.min(xx, shape.width - 1),
            Math.min(c, shape.channels - 1),
          );
          return inputs[which]![at]!;
        });
        return combine(op.function, one!, other!);
      });
    case "concat":
      return fill(to, (...place) => {
        let which = 0;
        while (place[op.axis] >= extent(shapes[which]!, op.axis)) place[op.axis] -= extent(shapes[which++]!, op.axis);
        return inputs[which]![offset(shapes[which]!, ...place)]!;
      });
    case "slice":
      return fill(to, (...place) => {
        const [y, xx, c] = place.map((at, axis) => op.begin[axis]! + op.step[axis]! * at);
        return x[offset(from, y!, xx!, c!)]!;
      });
    case "pad":
      return fill(to, (...place) => {
        const [y, xx, c] = place.map((at, axis) => source(op, extent(from, axis), at - op.before[axis]!));
        return y === null || xx === null || c === null ? op.value : x[offset(from, y!, xx!, c!)]!;
      });
    case "transpose":
      return fill(to, (...place) => {
        const own = [0, 0, 0];
        for (const [axis, which] of op.order.entries()) own[which] = place[axis]!;
        return x[offset(from, own[0]!, own[1]!, own[2]!)]!;
      });
    case "reshape":
      return fill(to, (y, xx, c) => {
        const index = (y * to.width + xx) * to.channels + c;
        const pixel = Math.floor(index / from.channels);
        return x[offset(from, Math.floor(pixel / from.width), pixel % from.width, index % from.channels)]!;
      });
    case "shuffleChannels": {
      // Of [groups, size] the transpose is [size, groups].
      const size = from.channels / op.groups;
      return fill(to, (y, xx, c) => x[offset(from, y, xx, (c % op.groups) * size + Math.floor(c / op.groups))]!);
    }
    case "normalize":
      return normalize(op, x, from);
    case "localResponse":
      return fill(to, (y, xx, c) => {
        let sum = 0;
        const first = c - Math.floor((op.size - 1) / 2);
        for (let other = Math.max(0, first); other < Math.min(from.channels, first + op.size); other++) {
          sum += x[offset(from, y, xx, other)]! ** 2;
        }
        return x[offset(from, y, xx, c)]! / (op.bias + (op.alpha / op.size) * sum) ** op.beta;
      });
    default:
      throw new Error(`no reference for ${op satisfies never}`);
  }
}

function fill(shape: ValueShape, valueAt: (y: number, x: number, channel: number) => number): Float64Array {
  const result = new Float64Array(shape.height * shape.width * shape.channels);
  for (let y = 0; y < shape.height; y++) {
    for (let x = 0; x < shape.width; x++) {
      for (let c = 0; c < shape.channels; c++) result[offset(shape, y, x, c)] = valueAt(y, x, c);
    }
  }
  return result;
}

const offset = ({ height, width }: ValueShape, y: number, x: number, channel: number) =>
  (channel * height + y) * width + x;

const extent = ({ height, width, channels }: ValueShape, axis: number) => [height, width, channels][axis]!;

function combine(name: BinaryOp["function"], one: number, other: number): number {
  switch (name) {
    case "add":
      return one + other;
    case "subtract":
      return one - other;
    case "multiply":
      return one * other;
    case "divide":
      return one / other;
    case "maximum":
      return Math.max(one, other);
    case "minimum":
      return Math.min(one, other);
    default:
      throw new Error(`no reference for ${name satisfies never}`);
  }
}

/** Which of an axis's elements stands at `at`; null where it is the constant. */
function source({ mode }: PadOp, length: number, at: number): number | null {
  if (at >= 0 && at < length) return at;
  if (mode === "constant") return null;
  if (mode === "edge" || length === 1) return at < 0 ? 0 : length - 1;
  // Mirrored as often as it takes.
  while (at < 0 || at >= length) at = at < 0 ? -at : 2 * (length - 1) - at;
  return at;
}

function normalize(op: NormalizeOp, x: Float64Array, shape: ValueShape): Float64Array {
  const size = shape.channels / op.groups;
  const scale = op.scale && Float32Array.from(op.scale.read());
  const shift = op.shift && Float32Array.from(op.shift.read());
  const statistics = new Map<string, { mean: number; deviation: number }>();
  const over = (y: number, xx: number, c: number): readonly (readonly PerAxis[])[] => {
    const first = Math.floor(c / size) * size;
    const channels = Array.from({ length: size }, (_, index) => first + index);
    if (op.over === "pixel") return [channels.map((channel) => [y, xx, channel] as const)];
    const rows = Array.from({ length: shape.height }, (_, row) => row);
    const columns = Array.from({ length: shape.width }, (_, column) => column);
    return rows.flatMap((row) => columns.map((column) => channels.map((channel) => [row, column, channel] as const)));
  };
  const of = (y: number, xx: number, c: number) => {
    const key = [op.over === "pixel" ? [y, xx] : [], Math.floor(c / size)].join();
    const known = statistics.get(key);
    if (known) return known;
    const values = over(y, xx, c).flatMap((places) => places.map((place) => x[offset(shape, ...place)]!));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const found = { mean, deviation: Math.sqrt(variance + op.epsilon) };
    statistics.set(key, found);
    return found;
  };
  return fill(shape, (y, xx, c) => {
    const { mean, deviation } = of(y, xx, c);
    return ((x[offset(shape, y, xx, c)]! - mean) / deviation) * (scale?.[c] ?? 1) + (shift?.[c] ?? 0);
  });
}

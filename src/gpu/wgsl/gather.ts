import type {
  PadOp,
  PerAxis,
  ReshapeOp,
  ShuffleChannelsOp,
  SliceOp,
  TransposeOp,
  ValueShape,
} from "../../graph/network.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

/** Values one after the other: one dispatch for each, which begins so many elements into `axis` of the output. */
export interface Part {
  readonly kind: "concat";
  readonly axis: 0 | 1 | 2;
  readonly begin: number;
}

export interface GatherOptions {
  readonly op: SliceOp | PadOp | TransposeOp | ReshapeOp | ShuffleChannelsOp | Part;
  readonly storage: Storage;
  readonly input: ValueShape;
  readonly output: ValueShape;
  readonly head: number;
}

const stepOf = ({ channels }: ValueShape) => Math.ceil(channels / 4) * 4;

/** Copies: one thread finds the element of the input that an element of the output is, or a constant. Padding lanes become zeros. */
export function gather({ op, storage, input, output, head }: GatherOptions): Kernel {
  const begin: PerAxis = op.kind === "concat" ? along(op) : [0, 0, 0];
  const box = op.kind === "concat" ? input : output;
  // The last of several values has the lanes behind the output's channels.
  const isLast = begin[2] + box.channels === output.channels;
  const lanes = isLast ? stepOf(output) - begin[2] : box.channels;
  const count = box.height * box.width * lanes;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: op.kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    storage,
    constants: { COUNT: count, HEAD: head * 4 },
    buffers: { src: "Scalar", dst: "Scalar" },
    ...threads,
    declarations: op.kind === "pad" ? placeOf(op) : "",
    body: `
  ${index}
  let c = i32(index % ${lanes}u);
  let x = i32(index / ${lanes}u % ${box.width}u);
  let y = i32(index / ${lanes * box.width}u);
  let to = ((y + ${begin[0]}) * ${output.width} + x + ${begin[1]}) * ${stepOf(output)} + c + ${begin[2]};
  var value = Scalar();
  if (c < ${box.channels}) {
    ${sourceOf(op, input, output)}
  }
  dst[HEAD + u32(to)] = value;`,
  });
}

const along = ({ axis, begin }: Part): PerAxis => [
  axis === 0 ? begin : 0,
  axis === 1 ? begin : 0,
  axis === 2 ? begin : 0,
];

/** Statements that set `value` from an element's place in the output. */
function sourceOf(op: GatherOptions["op"], input: ValueShape, output: ValueShape): string {
  const read = (y: string, x: string, c: string) =>
    `value = src[HEAD + u32((${y} * ${input.width} + ${x}) * ${stepOf(input)} + ${c})];`;
  switch (op.kind) {
    case "concat":
      return read("y", "x", "c");
    case "slice": {
      const [y, x, c] = ["y", "x", "c"].map((name, axis) => `(${op.begin[axis]} + ${op.step[axis]} * ${name})`);
      return read(y!, x!, c!);
    }
    case "transpose": {
      const places = ["", "", ""];
      for (const [axis, name] of ["y", "x", "c"].entries()) places[op.order[axis]!] = name;
      return read(places[0]!, places[1]!, places[2]!);
    }
    case "reshape":
      return `let at = (y * ${output.width} + x) * ${output.channels} + c;
    value = src[HEAD + u32(at / ${input.channels} * ${stepOf(input)} + at % ${input.channels})];`;
    case "shuffleChannels":
      return read("y", "x", `(c % ${op.groups} * ${input.channels / op.groups} + c / ${op.groups})`);
    case "pad":
      return `let row = placeOf(y - ${op.before[0]}, ${input.height});
    let column = placeOf(x - ${op.before[1]}, ${input.width});
    let channel = placeOf(c - ${op.before[2]}, ${input.channels});
    value = Scalar(${op.value});
    if (row >= 0 && column >= 0 && channel >= 0) { ${read("row", "column", "channel")} }`;
    default:
      return op satisfies never;
  }
}

/** Which element of an axis stands at `at`; below zero where none does. */
function placeOf({ mode }: PadOp): string {
  const outside = {
    constant: "-1",
    edge: "clamp(at, 0, length - 1)",
    // Mirrored as often as it takes.
    reflect: "select(reflected, period - reflected, reflected >= length)",
  }[mode];
  return `
fn placeOf(at: i32, length: i32) -> i32 {
  let period = max(2 * (length - 1), 1);
  let reflected = (at % period + period) % period;
  return select(${outside}, at, at >= 0 && at < length);
}`;
}

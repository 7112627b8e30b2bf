import type { BinaryOp, ValueShape } from "../../graph/network.js";
import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

export interface BinaryOptions {
  readonly kind: BinaryOp["function"];
  readonly storage: Storage;
  readonly one: ValueShape;
  readonly other: ValueShape;
  readonly output: ValueShape;
  readonly head: number;
}

/** One value (function) another, either repeated along any axis; one thread for four channels. */
export function binary({ kind, storage, one, other, output, head }: BinaryOptions): Kernel {
  const vectors = Math.ceil(output.channels / 4);
  const count = output.height * output.width * vectors;
  const { index, ...threads } = elementwise(count);
  const read = (buffer: string, { height, width, channels }: ValueShape) => {
    const own = Math.ceil(channels / 4);
    const [row, column] = [height === 1 ? 0 : width * own, width === 1 ? 0 : own];
    const place = `HEAD + y * ${row}u + x * ${column}u`;
    return channels === 1 ? `vec4f(f32(${buffer}[${place}].x))` : `vec4f(${buffer}[${place} + vector])`;
  };
  return kernel({
    name: kind,
    storage,
    constants: { COUNT: count, HEAD: head, VECTORS: vectors, WIDTH: output.width, CHANNELS: output.channels },
    buffers: { one: "Vector", other: "Vector", dst: "Vector" },
    ...threads,
    body: `
  ${index}
  let vector = index % VECTORS;
  let y = index / VECTORS / WIDTH;
  let x = index / VECTORS % WIDTH;
  let a = ${read("one", one)};
  let b = ${read("other", other)};
  let value = ${results[kind]};
  dst[HEAD + index] = Vector(select(vec4f(), value, vec4u(0u, 1u, 2u, 3u) + 4u * vector < vec4u(CHANNELS)));`,
  });
}

const results: Readonly<Record<BinaryOp["function"], string>> = {
  add: "a + b",
  subtract: "a - b",
  multiply: "a * b",
  divide: "a / b",
  maximum: "max(a, b)",
  minimum: "min(a, b)",
};

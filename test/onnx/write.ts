// A writer of protocol buffers and of ONNX's messages, as far as tests need them: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

type Field = readonly [number: number, value: number | bigint | string | Uint8Array | Float];

/** A number of 32 bits with a point. */
export class Float {
  constructor(readonly value: number) {}
}

function varint(value: bigint): number[] {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

export function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.map(([number, value]) => {
    const tag = (wire: number) => varint(BigInt(number * 8 + wire));
    if (typeof value === "number" || typeof value === "bigint")
      return Uint8Array.from([...tag(0), ...varint(BigInt(value))]);
    if (value instanceof Float)
      return Uint8Array.from([...tag(5), ...new Uint8Array(Float32Array.of(value.value).buffer)]);
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    const head = [...tag(2), ...varint(BigInt(bytes.length))];
    const whole = new Uint8Array(head.length + bytes.length);
    whole.set(head);
    whole.set(bytes, head.length);
    return whole;
  });
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export type Attribute = number | string | readonly number[] | Float | Uint8Array;

const attribute = (name: string, value: Attribute): Uint8Array => {
  if (value instanceof Float) return message([1, name], [2, value], [20, 1]);
  if (typeof value === "number") return message([1, name], [3, value], [20, 2]);
  if (typeof value === "string") return message([1, name], [4, value], [20, 3]);
  if (value instanceof Uint8Array) return message([1, name], [5, value], [20, 4]);
  return message([1, name], ...value.map((it) => [8, it] as const), [20, 7]);
};

export interface NodeText {
  readonly kind: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

const node = ({ kind, inputs, outputs, name = "", attributes = {} }: NodeText): Uint8Array =>
  message(
    ...inputs.map((it) => [1, it] as const),
    ...outputs.map((it) => [2, it] as const),
    [3, name],
    [4, kind],
    ...Object.entries(attributes).map(([key, value]) => [5, attribute(key, value)] as const),
  );

/** A tensor with its bytes as they are, or f32, or i64. */
export function tensor(
  name: string,
  shape: readonly number[],
  values: readonly number[] | Uint8Array,
  type = 1,
): Uint8Array {
  const bytes =
    values instanceof Uint8Array
      ? values
      : new Uint8Array(type === 7 ? BigInt64Array.from(values.map(BigInt)).buffer : Float32Array.from(values).buffer);
  return message(...shape.map((it) => [1, it] as const), [2, type], [8, name], [9, bytes]);
}

const value = (name: string, shape: readonly (number | string)[], type = 1): Uint8Array => {
  const extents = shape.map((it) => [1, message(typeof it === "string" ? [2, it] : [1, it])] as const);
  return message([1, name], [2, message([1, message([1, type], [2, message(...extents)])])]);
};

export interface ModelText {
  readonly nodes: readonly NodeText[];
  readonly input?: readonly (number | string)[];
  readonly inputType?: number;
  readonly inputs?: readonly (readonly [name: string, shape: readonly (number | string)[]])[];
  readonly output?: readonly (number | string)[];
  readonly outputs?: readonly string[];
  readonly tensors?: readonly Uint8Array[];
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A model from "x" to "y". */
export function model({
  nodes,
  input = [1, 4],
  inputType,
  inputs = [],
  output = [1, 4],
  outputs = ["y"],
  tensors = [],
  version = 17,
  metadata = {},
}: ModelText): Uint8Array {
  const graph = message(
    ...nodes.map((it) => [1, node(it)] as const),
    [2, "test"],
    ...tensors.map((it) => [5, it] as const),
    [11, value("x", input, inputType)],
    ...inputs.map(([name, shape]) => [11, value(name, shape)] as const),
    ...outputs.map((it) => [12, value(it, output)] as const),
  );
  const properties = Object.entries(metadata).map(([key, text]) => [14, message([1, key], [2, text])] as const);
  return message([1, 8], [7, graph], [8, message([1, ""], [2, version])], ...properties);
}

/** Nodes with one output each, in a row from "x" to "y": a node's further inputs are constants by name. */
export function chain(
  ...nodes: readonly (readonly [kind: string, further?: readonly string[], attributes?: NodeText["attributes"]])[]
): NodeText[] {
  return nodes.map(([kind, further = [], attributes = {}], index) => ({
    kind,
    inputs: [index === 0 ? "x" : `t${index}`, ...further],
    outputs: [index === nodes.length - 1 ? "y" : `t${index + 1}`],
    attributes,
  }));
}

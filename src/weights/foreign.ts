import { parseJson } from "../base/json.js";
import { ModelFormatError, UnsupportedModelError } from "../errors.js";
import type { ArrivingValues } from "../graph/arriving.js";
import { type ArrivingTensor, contiguousStrides, elementCount, type StateDict, type Tensor } from "../graph/tensor.js";
import { partOf } from "./torchao.js";
import { readRows, toFloat32 } from "./values.js";

export { unwrap } from "./torchao.js";

type AnyTensor = Tensor | ArrivingTensor;
type File = ReadonlyMap<string, AnyTensor>;

/** A weight that a tool keeps as integers: (integer - zero point) * scale, each of a block of the weight. */
interface Quantized {
  readonly tool: string;
  /** Its name in float. */
  readonly name: string;
  readonly integers: AnyTensor;
  readonly scale: AnyTensor;
  readonly zeroPoint: AnyTensor | null;
  /** How many blocks there are along each axis. */
  readonly blocks: readonly number[];
  /** bitsandbytes: scales are of 127, and where there is a layout, it is stated. */
  readonly ofLargest?: { readonly layout: AnyTensor | undefined };
  /** Zero points are not explained: only zero has a meaning. */
  readonly unexplained?: boolean | undefined;
}

/** Names that integers have whose packing is the tool's own. */
const packed: readonly (readonly [RegExp, string])[] = [
  [/\.(_shift|_data\._data)$/, "optimum-quanto's qint4 or qint2"],
  [/\.weight\.(absmax|quant_map|quant_state\..*)$/, "bitsandbytes' 4 bits (fp4 or nf4)"],
  [/\.weight_(packed|g_idx|global_scale)$/, "compressed-tensors' packed or reordered groups"],
  [/\.(qweight|qzeros)$/, "GPTQ's or AWQ's packed integers"],
  [/\.W_q$/, "HQQ's packed integers"],
  [/\.weight_scales$/, "EETQ's int8, laid out for its own kernels"],
];

/** What stands beside quantised weights for the values between layers. */
const ofValues = /(^|\.)(input|output)_(scale|zero_point)$/;

/**
 * Reads what other tools keep of quantised weights as the numbers that they stand for, in f32: bitsandbytes' LLM.int8, optimum-quanto's
 * qint8, compressed-tensors' int8 (also as other tools write `weight_scale`), and torchao's. A file without any is given back as it is; one
 * that is on its way is read to its end. Throws `UnsupportedModelError` for integers without a scale, and for those whose meaning is the
 * tool's alone, by its name.
 */
export async function readForeign(state: StateDict<AnyTensor>, origin: string): Promise<StateDict<AnyTensor>> {
  const found = findQuantized(state, origin);
  if (found.length === 0) return state;
  const tensors = new Map<string, Tensor>();
  const here = state.arrival
    ? await inMemory(state.tensors as ReadonlyMap<string, ArrivingTensor>, state.arrival)
    : null;
  const at = (tensor: AnyTensor) => here?.get(tensor.name) ?? (tensor as Tensor);
  const used = new Map(found.map((it) => [it.integers, it]));
  const passed = new Set(found.flatMap(({ scale, zeroPoint }) => [scale, zeroPoint]));
  for (const [name, tensor] of state.tensors) {
    const it = used.get(tensor);
    if (!it && (passed.has(tensor) || isBeside(name, tensor))) continue;
    const as = it?.name ?? name;
    if (tensors.has(as)) throw refusal(origin, as, "there twice, in float and as integers");
    tensors.set(as, it ? dequantize(it, at, origin) : at(tensor));
  }
  const tools = [...new Set(found.map(({ tool }) => tool))].join(" and ");
  const note =
    `The file is of ${tools}: ${found.length === 1 ? "one weight was" : `${found.length} weights were`} read as the numbers that ` +
    "their integers stand for. All is computed in float, and values between layers are not rounded. Quantise it to run in integers.";
  const metadata = new Map([...state.metadata].filter(([key]) => !isTypes(key, state.tensors)));
  return { format: state.format, tensors, metadata, notes: [...(state.notes ?? []), note] };
}

/** Of values, or what tools state of a layer. */
function isBeside(name: string, { shape }: AnyTensor): boolean {
  return (ofValues.test(name) && elementCount(shape) === 1) || /(^|\.)(weight_format|_\w+_act_quant_\w+)$/.test(name);
}

/** torchao states each tensor's class under its name. */
const isTypes = (key: string, tensors: File) =>
  key === "tensor_names" || tensors.has(key) || tensors.has(partOf(key, "qdata"));

function findQuantized({ tensors, metadata }: StateDict<AnyTensor>, origin: string): Quantized[] {
  const found: Quantized[] = [];
  const refuse = (name: string, what: string) => refusal(origin, name, what);
  for (const name of tensors.keys()) {
    for (const [named, what] of packed) if (named.test(name)) throw refuse(name, `of ${what}, which is not read`);
  }
  for (const [name, integers] of tensors) {
    const beside = (suffix: string) => tensors.get(name.replace(/weight$/, suffix));
    const put = (tool: string, as: string, scale: AnyTensor | undefined, rest: Partial<Quantized> = {}) => {
      const { dtype, shape } = integers;
      if (!scale) throw refuse(name, `of ${tool}, and the file has no scale for it`);
      if (dtype !== "i8") throw refuse(name, `${dtype} of ${tool}, of which int8 alone is read`);
      if (!/^b?f/.test(scale.dtype)) throw refuse(scale.name, `${scale.dtype}, and no scale for "${name}"`);
      const { zeroPoint = null, blocks = blocksOf(shape, scale.shape) } = rest;
      const count = elementCount(scale.shape);
      if (
        shape.length === 0 ||
        elementCount(blocks) !== count ||
        blocks.some((it, axis) => !Number.isInteger(it) || shape[axis]! % it !== 0)
      ) {
        throw refuse(scale.name, `of shape [${scale.shape}]: no scales for "${name}" of [${shape}]`);
      }
      if (zeroPoint && elementCount(zeroPoint.shape) !== count) {
        throw refuse(zeroPoint.name, `of shape [${zeroPoint.shape}], beside scales of [${scale.shape}]`);
      }
      // Of bytes without a sign, 128 may have been added.
      if (zeroPoint && /^(u8|bool)$/.test(zeroPoint.dtype)) {
        throw refuse(zeroPoint.name, `${zeroPoint.dtype}: a zero point without a sign, of integers that have one`);
      }
      found.push({ ...rest, tool, name: as, integers, scale, zeroPoint, blocks });
    };
    const [, module, parameter] = /^(.*\.)?_(\w+)_qdata$/.exec(name) ?? [];
    if (name.endsWith(".weight._data")) {
      put("optimum-quanto (qint8)", name.slice(0, -6), tensors.get(name.replace(/data$/, "scale")));
    } else if (parameter !== undefined) {
      const as = `${module ?? ""}${parameter}`;
      const { type, unexplained, blockSize } = statedOf(metadata.get(as), origin);
      if (!/^(Int8Tensor|IntxUnpackedToInt8Tensor|AffineQuantizedTensor)$/.test(type)) {
        throw refuse(as, `torchao's ${type || "tensor of a class that is not stated"}, which is not read`);
      }
      if (tensors.has(partOf(as, "act_pre_scale")))
        throw refuse(as, "of torchao, with a scale for what the layer reads");
      const zeroPoint = tensors.get(partOf(as, "zero_point"));
      const blocks = blockSize ? blocksBySize(integers.shape, blockSize) : undefined;
      put(`torchao (${type})`, as, tensors.get(partOf(as, "scale")), { zeroPoint, blocks, unexplained });
    } else if (/(^|\.)weight$/.test(name) && beside("SCB")) {
      put("bitsandbytes (LLM.int8)", name, beside("SCB"), { ofLargest: { layout: beside("weight_format") } });
    } else if (/(^|\.)weight$/.test(name) && integers.dtype === "i8") {
      const scale = beside("weight_scale");
      if (!scale) throw refuse(name, "i8, and the file has no scale for it (SCB, weight_scale or weight._scale)");
      put("int8 with weight_scale (compressed-tensors and others)", name, scale, {
        zeroPoint: beside("weight_zero_point"),
      });
    }
  }
  return found;
}

const refusal = (origin: string, name: string, what: string) =>
  new UnsupportedModelError(
    `${origin}: "${name.slice(0, 200)}" is ${what}. Load the model with the tool that wrote it, and save its weights dequantised, as float32.`,
  );

/** One scale for all, one for each row, or one for each block. */
function blocksOf(shape: readonly number[], scales: readonly number[]): number[] {
  if (elementCount(scales) === 1) return shape.map(() => 1);
  if (scales.length === shape.length) return [...scales];
  return shape.map((_, axis) => (axis === 0 ? scales[0]! : 1));
}

/** `size`: elements of a block along each axis, or of all axes; none where a block has all of an axis. */
function blocksBySize(shape: readonly number[], size: readonly number[]): number[] {
  return shape.map((extent, axis) => {
    const own = size.length === 1 ? size[0]! : (size[axis] ?? 0);
    return own > 0 && own < extent ? extent / own : 1;
  });
}

/** What torchao's metadata state of a tensor. */
function statedOf(text: string | undefined, origin: string) {
  const json = text === undefined ? null : parseJson(text, `${origin}: torchao's metadata`);
  const { _type: type, _data } = (json ?? {}) as { _type?: unknown; _data?: unknown };
  const { block_size: size, zero_point_domain: domain } = (_data ?? {}) as Record<string, unknown>;
  return {
    type: typeof type === "string" && /^\w{1,100}$/.test(type) ? type : "",
    unexplained: domain !== undefined && domain !== "INT",
    blockSize: Array.isArray(size) && size.every(Number.isSafeInteger) ? (size as number[]) : null,
  };
}

/** All tensors, as they pass by. */
async function inMemory(tensors: ReadonlyMap<string, ArrivingTensor>, arrival: ArrivingValues) {
  const inOrder = [...tensors.values()].sort((a, b) => a.begin - b.begin);
  for (const { begin, end } of inOrder) arrival.claim(begin, end);
  arrival.recycle();
  const here = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of inOrder) {
    await arrival.arrived(end);
    const bytes = new Uint8Array(end - begin);
    arrival.read(begin, bytes);
    here.set(name, { name, dtype, shape, strides: contiguousStrides(shape), bytes });
  }
  await arrival.finished();
  return here;
}

/** Rounded as the tools do: the product in f32, of bitsandbytes once more when it is divided by 127. */
function dequantize(it: Quantized, at: (tensor: AnyTensor) => Tensor, origin: string): Tensor {
  const { name, integers, blocks, ofLargest } = it;
  const { shape } = integers;
  if (ofLargest?.layout && toFloat32(at(ofLargest.layout)).some((layout) => layout !== 0)) {
    throw refusal(origin, ofLargest.layout.name, "one of bitsandbytes' layouts for its own kernels");
  }
  const damaged = (tensor: AnyTensor, index: number, value: number) =>
    new ModelFormatError(
      `${origin}: "${tensor.name.slice(0, 200)}"[${index}] is ${value}. The file is damaged; download it again.`,
    );
  const scales = toFloat32(at(it.scale));
  const bad = scales.findIndex((scale) => !(scale >= 0 && scale < Number.POSITIVE_INFINITY));
  if (bad >= 0) throw damaged(it.scale, bad, scales[bad]!);
  const zeroPoints = it.zeroPoint && toFloat32(at(it.zeroPoint));
  const wrong =
    zeroPoints?.findIndex((zero) => !Number.isInteger(zero) || (it.unexplained === true && zero !== 0)) ?? -1;
  if (wrong >= 0) {
    if (!it.unexplained) throw damaged(it.zeroPoint!, wrong, zeroPoints![wrong]!);
    throw refusal(origin, name, `of ${it.tool}, with zero points in a domain that is not stated`);
  }
  const [rows, ...inner] = shape as [number, ...number[]];
  const values = new Float32Array(elementCount(shape));
  readRows(at(integers), 0, rows, values);
  const column = columnBlocks(inner, blocks.slice(1));
  const perRow = elementCount(blocks.slice(1));
  for (let row = 0, index = 0; row < rows; row++) {
    const first = Math.floor((row * blocks[0]!) / rows) * perRow;
    for (const block of column) {
      const scale = scales[first + block]!;
      const value = scale * (values[index]! - (zeroPoints ? zeroPoints[first + block]! : 0));
      values[index++] = ofLargest ? Math.fround(value) * PER_127 : value;
    }
  }
  return { name, dtype: "f32", shape, strides: contiguousStrides(shape), bytes: new Uint8Array(values.buffer) };
}

/** bitsandbytes multiplies by this, in f32. */
const PER_127 = Math.fround(7.874015718698502e-3);

/** Of each element of a row: which of the row's blocks it is in. */
function columnBlocks(shape: readonly number[], blocks: readonly number[]): Uint32Array {
  const column = new Uint32Array(elementCount(shape));
  const steps = contiguousStrides(shape);
  const places = contiguousStrides(blocks);
  for (let index = 0; index < column.length; index++) {
    for (const [axis, extent] of shape.entries()) {
      const position = Math.floor(index / steps[axis]!) % extent;
      column[index]! += Math.floor((position * blocks[axis]!) / extent) * places[axis]!;
    }
  }
  return column;
}

import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import { type ArrivingTensor, elementCount, type Tensor, type TensorInfo } from "../../graph/tensor.js";
import { bytesNeeded, toFloat32 } from "../../weights/values.js";

/** Weights that the file has as parts: computed when they are read. */
export interface Computed extends TensorInfo {
  readonly parts: readonly (Tensor | ArrivingTensor)[];
  /** Dense and row-major. */
  compute(): Float32Array;
}

export type Readable = Tensor | ArrivingTensor | Computed;

type File = ReadonlyMap<string, Tensor | ArrivingTensor>;

/** How much of the file must be here before a weight can be computed. */
export function partsNeeded({ parts }: Computed): number {
  return Math.max(0, ...parts.map((part) => bytesNeeded(part, part.shape[0] ?? 1)));
}

/**
 * Puts weights in place of the parts that PyTorch's parametrisations keep: weight norm, spectral norm, pruning masks, LoRA. Old
 * and new names. `loraScale`: alpha / rank; 0 where the factors were merged already.
 */
export function joinParts(tensors: File, loraScale: number | undefined): Map<string, Readable> {
  const joined = new Map<string, Readable>(tensors);
  for (const name of tensors.keys()) {
    for (const join of [weightNorm, spectralNorm, pruned]) join(name, tensors, joined);
  }
  for (const name of tensors.keys()) lora(name, tensors, joined, loraScale);
  if (joined.size === tensors.size) return joined;
  // Each where its first part was: the order tells which layer comes before which.
  const places = new Map([...tensors.values()].map(({ name }, index) => [name, index]));
  const place = (tensor: Readable) => places.get("parts" in tensor ? tensor.parts[0]!.name : tensor.name)!;
  return new Map([...joined].sort(([, a], [, b]) => place(a) - place(b)));
}

/** weight = g * v / |v|, the length taken over all axes but the one that g has. */
function weightNorm(name: string, file: File, joined: Map<string, Readable>): void {
  const [, module, old] = /^(.*\.)(?:(weight_g)|parametrizations\.weight\.original0)$/.exec(name) ?? [];
  if (module === undefined) return;
  const direction = old ? `${module}weight_v` : `${module}parametrizations.weight.original1`;
  const [g, v] = [file.get(name)!, file.get(direction)];
  if (!v) return;
  // Of one channel in all, or of all at once: one length.
  const axis = g.shape.length === v.shape.length ? g.shape.findIndex((extent) => extent !== 1) : -1;
  put(
    joined,
    `${module}weight`,
    v.shape,
    [g, v],
    (lengths, values) => {
      const inner = axis < 0 ? values.length : elementCount(v.shape.slice(axis + 1));
      const count = axis < 0 ? 1 : v.shape[axis]!;
      const squares = new Float64Array(count);
      const row = (index: number) => Math.floor(index / inner) % count;
      values.forEach((value, index) => {
        squares[row(index)]! += value * value;
      });
      return values.map((value, index) => (value * lengths[row(index)]!) / Math.sqrt(squares[row(index)]!));
    },
    [name, direction],
  );
}

/** weight / sigma, sigma = u' W v, with the weight as a matrix of rows. */
function spectralNorm(name: string, file: File, joined: Map<string, Readable>): void {
  const [, module, old] = /^(.*\.)(?:(weight_u)|parametrizations\.weight\.0\._u)$/.exec(name) ?? [];
  if (module === undefined) return;
  const [original, right] = old
    ? [`${module}weight_orig`, `${module}weight_v`]
    : [`${module}parametrizations.weight.original`, `${module}parametrizations.weight.0._v`];
  const [u, w, v] = [file.get(name)!, file.get(original), file.get(right)];
  if (!w || !v) return;
  put(
    joined,
    `${module}weight`,
    w.shape,
    [u, w, v],
    (left, values, across) => {
      let sigma = 0;
      values.forEach((value, index) => {
        sigma += left[Math.floor(index / across.length)]! * value * across[index % across.length]!;
      });
      return values.map((value) => value / sigma);
    },
    [name, original, right],
  );
}

/** weight_orig * weight_mask, and the same of a bias. */
function pruned(name: string, file: File, joined: Map<string, Readable>): void {
  const [, parameter] = /^(.*)_mask$/.exec(name) ?? [];
  const original = file.get(`${parameter}_orig`);
  if (parameter === undefined || !original) return;
  const mask = file.get(name)!;
  put(
    joined,
    parameter,
    original.shape,
    [original, mask],
    (values, kept) => values.map((value, i) => value * kept[i]!),
    [name, `${parameter}_orig`],
  );
}

/** W + scale * B A. */
function lora(name: string, file: File, joined: Map<string, Readable>, scale: number | undefined): void {
  const [, module, tail] = /^(.*\.)lora_A((?:\.\w+)?(?:\.weight)?)$/.exec(name) ?? [];
  if (module === undefined) return;
  const other = `${module}lora_B${tail}`;
  const [a, b] = [file.get(name)!, file.get(other)];
  const base = joined.has(`${module}base_layer.weight`) ? `${module}base_layer.weight` : `${module}weight`;
  const w = joined.get(base);
  if (!w || !b || "parts" in w) return;
  if (scale === undefined) {
    throw new UnsupportedModelError(
      `The file has the LoRA factors ${name} and ${other} beside ${base}, and does not say how much of their product belongs to it. ` +
        "State architecture: { loraScale: alpha / rank }, or 0 where the factors were merged into the weights.",
    );
  }
  const rank = b.shape[1]!;
  put(
    joined,
    `${module}weight`,
    w.shape,
    [w, a, b],
    (values, right, left) => {
      const columns = right.length / a.shape[0]!;
      const sum = Float64Array.from(values);
      const rows = left.length / rank;
      if (a.shape[0] !== rank || rows * columns !== values.length) {
        throw new ModelFormatError(
          `${name} and ${other} have shapes [${a.shape}] and [${b.shape}]: no product of them is ${base}.`,
        );
      }
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < rank; k++) {
          const factor = scale * left[row * rank + k]!;
          for (let column = 0; column < columns; column++) {
            sum[row * columns + column]! += factor * right[k * columns + column]!;
          }
        }
      }
      return Float32Array.from(sum);
    },
    [name, other, base],
  );
  const bias = joined.get(`${module}base_layer.bias`);
  if (bias) {
    joined.delete(`${module}base_layer.bias`);
    joined.set(`${module}bias`, bias);
  }
}

function put(
  joined: Map<string, Readable>,
  name: string,
  shape: readonly number[],
  parts: readonly (Tensor | ArrivingTensor)[],
  combine: (...values: [Float32Array, Float32Array, Float32Array]) => Float32Array,
  used: readonly string[],
): void {
  for (const part of used) joined.delete(part);
  const compute = () => combine(...(parts.map(toFloat32) as [Float32Array, Float32Array, Float32Array]));
  joined.set(name, { name, dtype: "f32", shape, parts, compute });
}

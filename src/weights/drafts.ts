import { ModelFormatError, UnsupportedModelError } from "../errors.js";
import { bytesPerElement, contiguousStrides, type DType, elementCount, type Tensor } from "../graph/tensor.js";
import { MAX_AXES, maxTensorBytes } from "../limits.js";
import { type Affine, dequantized } from "./dequantized.js";

/** Bytes that one or more tensors look into. */
export interface Storage {
  /** Null where values of this type cannot be computed with; its name is in `type`. */
  readonly dtype: DType | null;
  readonly type: string;
  readonly key: string;
  /** First element of a view of the storage, in elements. */
  readonly offset: number;
  /** In the legacy form they are known only after the pickle was read. */
  bytes: Uint8Array | null;
}

/** A tensor as a pickle describes it. */
export class TensorDraft {
  constructor(
    readonly storage: Storage,
    readonly offset: unknown,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    /** Where the tensor's type is not its storage's. */
    readonly type: string | null = null,
  ) {}
}

/** A tensor of a kind that has no plain values; refused by name where it is a weight. */
export class OtherTensor {
  constructor(
    readonly kind: string,
    readonly advice: string,
  ) {}
}

/** Integers with what they stand for. */
export class QuantizedDraft {
  constructor(
    readonly integers: TensorDraft,
    /** Of all values, or of each row: of the first axis. */
    readonly scale: number | TensorDraft,
    readonly zeroPoint: number | TensorDraft,
  ) {}
}

/** A tensor of somebody's class, which keeps others as attributes: torchao.ts knows some. */
export class WrappedDraft {
  constructor(
    readonly cls: unknown,
    readonly state: unknown,
  ) {}
}

export type Draft = TensorDraft | OtherTensor | QuantizedDraft | WrappedDraft;

export function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_AXES && value.every((it) => Number.isSafeInteger(it) && it >= 0);
}

/** Makes tensors of drafts, and keeps account of the bytes that they stand for: `held` is how many there really are. */
export class Resolver {
  private left: number;

  constructor(
    private readonly origin: string,
    held: number,
  ) {
    this.left = maxTensorBytes(held);
  }

  tensor(name: string, draft: Exclude<Draft, WrappedDraft>): Tensor {
    const where = this.#where(name);
    if (draft instanceof QuantizedDraft) return this.quantized(name, draft);
    if (draft instanceof OtherTensor) throw new UnsupportedModelError(`${where} is ${draft.kind}. ${draft.advice}`);
    const { storage, shape, strides, type } = draft;
    const { dtype } = storage;
    if (type !== null || dtype === null) {
      throw new UnsupportedModelError(
        `${where} is ${type ?? storage.type}, which cannot be computed with. Convert the weights to float32, float16 or bfloat16.`,
      );
    }
    const damaged = (what: string): never => {
      throw new ModelFormatError(
        `${where} of shape ${shape.join(" x ")} ${what}. The file is damaged or cut off; download it again.`,
      );
    };
    const size = bytesPerElement[dtype];
    const empty = shape.includes(0);
    const count = empty ? 0 : elementCount(shape);
    const offset = wholeNumber(draft.offset) + storage.offset;
    if (!Number.isSafeInteger(offset) || shape.length !== strides.length) damaged("lies at no element of its storage");
    const bytes = storage.bytes ?? damaged("has no storage");
    let reach = 0;
    for (const [axis, extent] of shape.entries()) reach += Math.max(0, extent - 1) * strides[axis]!;
    const held = Math.floor(bytes.length / size);
    if (!empty && offset + reach >= held) damaged(`reaches element ${offset + reach} of a storage of ${held}`);
    this.#charge(name, shape, count * size);
    return {
      name,
      dtype,
      shape,
      strides: empty ? contiguousStrides(shape) : strides,
      bytes: empty ? bytes.subarray(0, 0) : bytes.subarray(offset * size, (offset + reach + 1) * size),
    };
  }

  /** In f32. Integers count twice, so that no file has more than four times its bytes made of it. */
  private quantized(name: string, { integers, scale, zeroPoint }: QuantizedDraft): Tensor {
    const tensor = this.tensor(name, integers);
    this.#charge(name, tensor.shape, elementCount(tensor.shape));
    const affine = (of: number | TensorDraft): Affine => (of instanceof TensorDraft ? this.tensor(name, of) : of);
    const made = dequantized(tensor, affine(scale), affine(zeroPoint));
    if (made) return made;
    throw new ModelFormatError(
      `${this.#where(name)} of integers of shape ${tensor.shape.join(" x ")} has no proper scale for each of them. The file is damaged or cut off; download it again.`,
    );
  }

  #where(name: string): string {
    return `${this.origin}: tensor "${name.slice(0, 200)}"`;
  }

  #charge(name: string, shape: readonly number[], bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new ModelFormatError(
      `${this.#where(name)} of shape ${shape.join(" x ")} stands for more than the file holds. Save tensors that are not expanded: tensor.contiguous().`,
    );
  }
}

/** NaN for anything else. */
export function wholeNumber(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : Number.NaN;
}

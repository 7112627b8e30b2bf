import { ModelFormatError } from "../errors.js";
import {
  bytesPerElement,
  contiguousStrides,
  type DType,
  elementCount,
  type StateDict,
  type Tensor,
} from "../tensor.js";
import { type Globals, PickleDict, readPickle } from "./pickle.js";
import { readZip } from "./zip.js";

const storageTypes: ReadonlyMap<string, DType> = new Map([
  ["DoubleStorage", "f64"],
  ["FloatStorage", "f32"],
  ["HalfStorage", "f16"],
  ["BFloat16Storage", "bf16"],
  ["LongStorage", "i64"],
  ["IntStorage", "i32"],
  ["ShortStorage", "i16"],
  ["CharStorage", "i8"],
  ["ByteStorage", "u8"],
  ["BoolStorage", "bool"],
]);

/** Bytes that one or more tensors look into. In the legacy form they are known only after the pickle was read. */
interface Storage {
  readonly dtype: DType;
  readonly key: string;
  /** First element of a view of the storage, in elements. */
  readonly offset: number;
  bytes: Uint8Array | null;
}

class StorageType {
  constructor(readonly dtype: DType) {}
}

/** A tensor before its storage is known. */
class TensorDraft {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

// 0x1950a86a20f9469cfc6c as a pickled LONG1 of ten bytes: the legacy form's first object.
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** Reads a PyTorch checkpoint: the state dict in it, wherever it lies. Throws `ModelFormatError`. */
export function readTorch(bytes: Uint8Array, origin: string): StateDict {
  const root = bytes[0] === 0x50 ? readArchive(bytes, origin) : readLegacy(bytes, origin);
  const found = findStateDict(root, 0);
  if (!found) {
    throw new ModelFormatError(
      `${origin} holds no state dict: expected tensors, or a dict with state_dict, model, model_state_dict or net.`,
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, draft] of found) tensors.set(name, resolve(name, draft, origin));
  return { format: "torch", tensors: withoutPrefix(tensors), metadata: new Map() };
}

function readArchive(bytes: Uint8Array, origin: string): unknown {
  const entries = readZip(bytes, origin);
  const pickleName = [...entries.keys()].find((name) => name === "data.pkl" || /^[^/]*\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    throw new ModelFormatError(`${origin} is a zip archive without data.pkl; expected one written by torch.save.`);
  }
  const folder = pickleName.slice(0, -"data.pkl".length);
  const order = entries.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order()) === "big") {
    throw new ModelFormatError(`${origin} was written on a big-endian machine; save it again on a little-endian one.`);
  }
  const persistent = (id: unknown): Storage => {
    const storage = storageOf(id, origin);
    const entry = entries.get(`${folder}data/${storage.key}`);
    if (!entry) throw new ModelFormatError(`${origin}: storage ${storage.key} is missing from the archive.`);
    return { ...storage, bytes: entry() };
  };
  return readPickle(entries.get(pickleName)!(), 0, origin, torchGlobals(origin), persistent).value;
}

function readLegacy(bytes: Uint8Array, origin: string): unknown {
  const globals = torchGlobals(origin);
  const storages = new Map<string, Storage[]>();
  const persistent = (id: unknown): Storage => {
    const storage = storageOf(id, origin);
    const known = storages.get(storage.key);
    if (known) known.push(storage);
    else storages.set(storage.key, [storage]);
    return storage;
  };
  let at = 0;
  const next = () => {
    const { value, end } = readPickle(bytes, at, origin, globals, persistent);
    at = end;
    return value;
  };
  if (!LEGACY_MAGIC.every((byte, index) => bytes[2 + index] === byte)) {
    // Not PyTorch's: reading it names what it refers to, and if that is nothing, it is still no checkpoint.
    next();
    throw new ModelFormatError(
      `${origin} is a pickle, but not one that torch.save wrote. Save the state dict with torch.save.`,
    );
  }
  next();
  next();
  next();
  const root = next();
  const keys = next();
  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
  };
  if (!Array.isArray(keys)) fail("it has no list of storages");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys as unknown[]) {
    if (at + 8 > bytes.length) fail(`it ends before storage ${String(key)}`);
    const count = Number(view.getBigInt64(at, true));
    at += 8;
    const users = storages.get(String(key));
    if (!users) {
      fail(`storage ${String(key)} belongs to no tensor`);
      continue;
    }
    const length = count * bytesPerElement[users[0]!.dtype];
    if (!(count >= 0) || at + length > bytes.length) fail(`storage ${String(key)} of ${count} elements breaks off`);
    for (const user of users) user.bytes = bytes.subarray(at, at + length);
    at += length;
  }
  return root;
}

/** ("storage", type, key, location, element count[, view metadata]). */
function storageOf(id: unknown, origin: string): Storage {
  const [kind, type, key, , , view] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof StorageType) || (typeof key !== "string" && typeof key !== "number")) {
    throw new ModelFormatError(`${origin}: a storage reference is malformed. The file is damaged; download it again.`);
  }
  const offset = Array.isArray(view) ? Number(view[1]) : 0;
  return { dtype: type.dtype, key: String(key), offset, bytes: null };
}

function torchGlobals(origin: string): Globals {
  const ignore = () => null;
  const rebuild = (args: readonly unknown[]): TensorDraft => {
    const [storage, offset, shape, strides] = args;
    if (
      typeof storage !== "object" ||
      storage === null ||
      !("dtype" in storage) ||
      !isCounts(shape) ||
      !isCounts(strides)
    ) {
      throw new ModelFormatError(`${origin}: a tensor is malformed. The file is damaged; download it again.`);
    }
    return new TensorDraft(storage as Storage, Number(offset), shape, strides);
  };
  const known = new Map<string, (args: readonly unknown[]) => unknown>([
    [
      "collections.OrderedDict",
      (args) => {
        const dict = new PickleDict();
        if (Array.isArray(args[0])) {
          for (const pair of args[0]) if (Array.isArray(pair)) dict.set(pair[0], pair[1]);
        }
        return dict;
      },
    ],
    ["torch._utils._rebuild_tensor", rebuild],
    ["torch._utils._rebuild_tensor_v2", rebuild],
    ["torch._utils._rebuild_parameter", (args) => args[0]],
    ["torch.Size", (args) => args[0]],
    ["torch.device", ignore],
    ["torch.serialization._get_layout", ignore],
    ["numpy.core.multiarray.scalar", ignore],
    ["numpy._core.multiarray.scalar", ignore],
    ["numpy.dtype", ignore],
    ["_codecs.encode", ignore],
  ]);
  return (name) => {
    const storage = /^torch(?:\.cuda|\.storage)?\.(\w+Storage)$/.exec(name)?.[1];
    const dtype = storage === undefined ? undefined : storageTypes.get(storage);
    return dtype ? new StorageType(dtype) : known.get(name);
  };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 16 && value.every((it) => Number.isSafeInteger(it) && it >= 0);
}

const nestings = ["state_dict", "model", "model_state_dict", "net", "module", "ema", "model_ema"];

/** The dict of tensors at the root or under one of the names that training scripts use. */
function findStateDict(root: unknown, depth: number): Map<string, TensorDraft> | null {
  if (!(root instanceof PickleDict) || depth > 3) return null;
  for (const name of nestings) {
    const found = findStateDict(root.get(name), depth + 1);
    if (found) return found;
  }
  const tensors = new Map<string, TensorDraft>();
  for (const [name, value] of root) {
    if (typeof name === "string" && value instanceof TensorDraft) tensors.set(name, value);
  }
  return tensors.size > 0 ? tensors : null;
}

function resolve(name: string, draft: TensorDraft, origin: string): Tensor {
  const { storage, shape, strides } = draft;
  const size = bytesPerElement[storage.dtype];
  const count = elementCount(shape);
  const offset = draft.offset + storage.offset;
  let reach = 0;
  for (const [axis, extent] of shape.entries()) reach += Math.max(0, extent - 1) * (strides[axis] ?? Number.NaN);
  const bytes = storage.bytes;
  const held = bytes ? bytes.length / size : 0;
  if (!bytes || shape.length !== strides.length || !(offset >= 0) || (count > 0 && !(offset + reach < held))) {
    throw new ModelFormatError(
      `${origin}: tensor "${name}" of shape ${shape.join(" x ")} reaches element ${offset + reach} of a storage of ${Math.floor(held)}. ` +
        "The file is damaged or cut off; download it again.",
    );
  }
  const end = count === 0 ? offset : offset + reach + 1;
  return {
    name,
    dtype: storage.dtype,
    shape,
    strides: count === 0 ? contiguousStrides(shape) : strides,
    bytes: bytes.subarray(offset * size, end * size),
  };
}

/** DataParallel's `module.`, torch.compile's `_orig_mod.` and a wrapper's `model.`, where every name has it. */
function withoutPrefix(tensors: Map<string, Tensor>): Map<string, Tensor> {
  let current = tensors;
  for (let changed = true; changed; ) {
    changed = false;
    for (const prefix of ["module.", "_orig_mod.", "model."]) {
      const names = [...current.keys()];
      if (!names.every((name) => name.startsWith(prefix))) continue;
      const shorter = new Map<string, Tensor>();
      for (const tensor of current.values()) {
        const name = tensor.name.slice(prefix.length);
        shorter.set(name, { ...tensor, name });
      }
      current = shorter;
      changed = true;
    }
  }
  return current;
}

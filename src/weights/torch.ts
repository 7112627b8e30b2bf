import { ModelFormatError } from "../errors.js";
import { bytesPerElement, type DType, type StateDict, type Tensor } from "../graph/tensor.js";
import { appearance } from "./appearance.js";
import {
  isCounts,
  OtherTensor,
  QuantizedDraft,
  Resolver,
  type Storage,
  TensorDraft,
  WrappedDraft,
  wholeNumber,
} from "./drafts.js";
import { findTensors } from "./find.js";
import { readEntries } from "./inflate.js";
import { NumpyArray, numpyNames } from "./numpy.js";
import { Callable, type Globals, Named, readPickle } from "./pickle.js";
import { pythonGlobals } from "./python.js";

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
  // Their scales lie beside them.
  ["QInt8Storage", "i8"],
  ["QUInt8Storage", "u8"],
]);

/** `torch.FloatStorage`, as a pickle names it. */
class StorageType {
  constructor(readonly name: string) {}
}

// 0x1950a86a20f9469cfc6c as a pickled LONG1 of ten bytes: the legacy form's first object.
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** A zip archive, or a pickle: the legacy form, numpy's arrays, or what is read to be refused by name. */
function isTorch(bytes: Uint8Array): boolean {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4) return true;
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) return true;
  // A protocol 0 or 1 pickle that begins with a global, a mark, or a dict that is kept.
  return bytes[0] === 0x63 || bytes[0] === 0x28 || (bytes[0] === 0x7d && bytes[1] === 0x71);
}

interface ForeignHost {
  loadForeign?(): Promise<Pick<Partial<typeof import("./foreign.js")>, "unwrap">>;
}

const unknownClass = () => new OtherTensor("of a kind of its own", "Save plain tensors.");

/** As `readTorch`; throws the `ModelFormatError` for a file that is none. */
export async function readOther(bytes: Uint8Array, origin: string, host?: ForeignHost): Promise<StateDict> {
  if (isTorch(bytes)) return readTorch(bytes, origin, host);
  throw new ModelFormatError(
    `${origin} is ${appearance(bytes)}, not a weights file. Give a .safetensors or .onnx file, or a PyTorch .pth, .pt or .th checkpoint.`,
  );
}

/**
 * Reads a PyTorch checkpoint, a whole pickled module, a TorchScript archive, or a plain pickle of numpy arrays: the tensors in it,
 * wherever they lie. Nothing in it is executed. Throws `ModelFormatError`, or `UnsupportedModelError` for tensors of a kind that
 * cannot be computed with. `host` has the reader of tensors of torchao's classes.
 */
export async function readTorch(bytes: Uint8Array, origin: string, host?: ForeignHost): Promise<StateDict> {
  const isLegacy = LEGACY_MAGIC.every((byte, index) => bytes[2 + index] === byte);
  const { root, held } =
    bytes[0] === 0x50
      ? await readArchive(bytes, origin)
      : isLegacy
        ? readLegacy(bytes, origin)
        : readPlain(bytes, origin);
  const notes: string[] = [];
  const found = findTensors(root, origin, notes);
  if (!found) {
    throw new ModelFormatError(
      `${origin} holds no tensors by name. Expected a state dict, a dict with one under state_dict, model, model_state_dict or net, or a whole module.`,
    );
  }
  if (leaveActivationScales(found)) notes.push(QUANTIZED_NOTE);
  const resolver = new Resolver(origin, held);
  const bytesOf = latinBytes();
  const prefix = commonPrefix([...found.keys()]);
  const tensors = new Map<string, Tensor>();
  const metadata = new Map<string, string>();
  for (const [name, value] of found) {
    const draft = value instanceof NumpyArray ? value.draft(name, origin, bytesOf) : value;
    const short = name.slice(prefix);
    if (draft instanceof WrappedDraft) {
      const { unwrap } = (await host?.loadForeign?.()) ?? {};
      const { parts, stated } = unwrap?.(short, draft) ?? { parts: [[short, unknownClass()] as const], stated: "" };
      if (stated) metadata.set(short, stated);
      for (const [part, it] of parts) tensors.set(part, resolver.tensor(part, it));
    } else tensors.set(short, resolver.tensor(short, draft));
  }
  return { format: "torch", tensors, metadata, notes };
}

const QUANTIZED_NOTE =
  "The file is of integers: its weights were read as the numbers that they stand for, and values between layers are not rounded. " +
  "Quantise it to run in integers.";

/** Drops scales and zero points of values between layers, which stand beside quantised weights; false where there are none such. */
function leaveActivationScales(found: Map<string, unknown>): boolean {
  if (![...found.values()].some((value) => value instanceof QuantizedDraft)) return false;
  for (const name of found.keys()) if (/(^|\.)(scale|zero_point)$/.test(name)) found.delete(name);
  return true;
}

interface Read {
  readonly root: unknown;
  /** Bytes that tensors can look into, at most. */
  readonly held: number;
}

async function readArchive(bytes: Uint8Array, origin: string): Promise<Read> {
  let folder = "";
  const entries = await readEntries(bytes, origin, (names) => {
    const pickles = names.filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
    if (pickles.length !== 1) {
      const has = pickles.length ? "with several" : "without";
      throw new ModelFormatError(`${origin} is a zip archive ${has} data.pkl; expected one, as torch.save writes it.`);
    }
    folder = pickles[0]!.slice(0, -"data.pkl".length);
    return (name) => name === pickles[0] || name === `${folder}byteorder` || name.startsWith(`${folder}data/`);
  });
  const order = entries.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order().subarray(0, 10)) === "big") {
    throw new ModelFormatError(`${origin} was written on a big-endian machine; save it again on a little-endian one.`);
  }
  let held = bytes.length;
  const storages = new Map<string, Storage>();
  const persistent = (id: unknown): unknown => {
    const { count, ...storage } = storageOf(id, origin) ?? damaged(origin, "a storage reference is malformed");
    const known = storages.get(storage.key);
    if (known && known.type === storage.type) return known;
    const entry = entries.get(`${folder}data/${storage.key}`) ?? damaged(origin, `storage ${storage.key} is missing`);
    const values = entry();
    if (values.buffer !== bytes.buffer) held += values.length;
    if (storage.dtype && values.length !== count * bytesPerElement[storage.dtype]) {
      damaged(origin, `storage ${storage.key} of ${count} elements has ${values.length} bytes`);
    }
    const made = { ...storage, bytes: values };
    storages.set(storage.key, made);
    return made;
  };
  const root = readPickle(entries.get(`${folder}data.pkl`)!(), 0, origin, torchGlobals(origin), persistent).value;
  return { root, held };
}

function readLegacy(bytes: Uint8Array, origin: string): Read {
  const globals = torchGlobals(origin);
  const storages = new Map<string, { readonly users: Storage[]; readonly count: number; readonly dtype: DType }>();
  const persistent = (id: unknown): unknown => {
    // ("module", class, file, its source), as PyTorch wrote before 1.6.
    if (Array.isArray(id) && id[0] === "module" && id[1] instanceof Named) return id[1];
    const { count, ...storage } = storageOf(id, origin) ?? damaged(origin, "a storage reference is malformed");
    const { dtype, key } = storage;
    const known = storages.get(key);
    if (!dtype) return damaged(origin, `storage ${key} is a ${storage.type}`);
    if (!known) storages.set(key, { users: [storage], count, dtype });
    else if (known.count !== count || known.dtype !== dtype) damaged(origin, `storage ${key} has two sizes`);
    else known.users.push(storage);
    return storage;
  };
  let at = 0;
  const next = () => {
    const { value, end } = readPickle(bytes, at, origin, globals, persistent);
    at = end;
    return value;
  };
  next();
  next();
  next();
  const root = next();
  const keys = next();
  if (!Array.isArray(keys)) return damaged(origin, "it has no list of storages");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys as unknown[]) {
    const name = isKey(key) ? `storage ${key}` : damaged(origin, "a storage's key is malformed");
    if (at + 8 > bytes.length) damaged(origin, `it ends before ${name}`);
    const count = Number(view.getBigInt64(at, true));
    at += 8;
    const storage = storages.get(String(key)) ?? damaged(origin, `${name} belongs to no tensor, or comes twice`);
    storages.delete(String(key));
    if (count !== storage.count) damaged(origin, `${name} has ${count} elements, where ${storage.count} were expected`);
    const length = count * bytesPerElement[storage.dtype];
    if (at + length > bytes.length) damaged(origin, `${name} of ${count} elements breaks off`);
    for (const user of storage.users) user.bytes = bytes.subarray(at, at + length);
    at += length;
  }
  return { root, held: bytes.length };
}

/** A pickle that torch.save did not write: numpy arrays in a dict, or something that is refused by the name that it calls. */
function readPlain(bytes: Uint8Array, origin: string): Read {
  const persistent = () => damaged(origin, "its pickle refers to values outside of it");
  return { root: readPickle(bytes, 0, origin, torchGlobals(origin), persistent).value, held: 2 * bytes.length };
}

function damaged(origin: string, what: string): never {
  throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
}

function isKey(key: unknown): key is string | number {
  return (typeof key === "string" && key.length < 200) || typeof key === "number";
}

/** ("storage", type, key, location, element count[, view metadata]); null where it is another thing. */
function storageOf(id: unknown, origin: string): (Storage & { readonly count: number }) | null {
  const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !isKey(key) || !(type instanceof StorageType)) return null;
  if (Number.isNaN(wholeNumber(count))) damaged(origin, `storage ${key} has no proper size`);
  const offset = Array.isArray(view) ? wholeNumber(view[1]) : 0;
  const dtype = storageTypes.get(type.name) ?? null;
  return { dtype, type: type.name.replace("Storage", ""), key: String(key), offset, bytes: null, count };
}

function torchGlobals(origin: string): Globals {
  const isStorage = (value: unknown): value is Storage =>
    typeof value === "object" && value !== null && "dtype" in value;
  const draft = (args: readonly unknown[], type: string | null = null): TensorDraft => {
    const [storage, offset, shape, strides] = args;
    if (!isStorage(storage) || !isCounts(shape) || !isCounts(strides)) return damaged(origin, "a tensor is malformed");
    return new TensorDraft(storage, offset, shape, strides, type);
  };
  const rebuild = new Callable((args) => draft(args));
  const quantized = new Callable((args) => {
    const [scheme, scale, zeroPoint, axis] = Array.isArray(args[4]) ? args[4] : [];
    const named = scheme instanceof Named ? scheme.name : "";
    const isTensor = scale instanceof TensorDraft && zeroPoint instanceof TensorDraft && axis === 0;
    if (named === "torch.per_channel_affine" && isTensor) return new QuantizedDraft(draft(args), scale, zeroPoint);
    const isNumber = typeof scale === "number" && typeof zeroPoint === "number";
    if (named === "torch.per_tensor_affine" && isNumber) return new QuantizedDraft(draft(args), scale, zeroPoint);
    return new OtherTensor("quantised in a way of its own", "Save the weights dequantised: tensor.dequantize().");
  });
  const first = new Callable(([it]) => it ?? []);
  const other = (kind: string, advice: string) => new Callable(() => new OtherTensor(kind, advice));
  const wrapper = new Callable(unknownClass);
  /** (what rebuilds the tensor, its class, with what, its attributes). */
  const typed: Callable = new Callable(([make, cls, args, state]) => {
    if (make === wrapper) return new WrappedDraft(cls, state);
    return make instanceof Callable && make !== typed && Array.isArray(args)
      ? make.call(args)
      : damaged(origin, "a tensor is malformed");
  });
  const own = new Map<string, unknown>([
    ...numpyNames,
    ["torch._utils._rebuild_tensor", rebuild],
    ["torch._utils._rebuild_tensor_v2", rebuild],
    [
      "torch._utils._rebuild_tensor_v3",
      new Callable((args) => draft(args, args[6] instanceof Named ? args[6].name : "?")),
    ],
    ["torch._utils._rebuild_parameter", first],
    ["torch._utils._rebuild_parameter_with_state", first],
    ["torch._tensor._rebuild_from_type_v2", typed],
    ["torch._utils._rebuild_qtensor", quantized],
    ["torch._utils._rebuild_sparse_tensor", other("sparse", "Save it dense: tensor.to_dense().")],
    ["torch._utils._rebuild_sparse_csr_tensor", other("sparse", "Save it dense: tensor.to_dense().")],
    ["torch._utils._rebuild_nested_tensor", other("nested", "Save plain tensors.")],
    ["torch._utils._rebuild_meta_tensor_no_storage", other("without values (meta)", "Save the weights themselves.")],
    ["torch._utils._rebuild_wrapper_subclass", wrapper],
    [
      "torch._utils._rebuild_device_tensor_from_numpy",
      new Callable(([array]) => (array instanceof NumpyArray ? array : damaged(origin, "a tensor is malformed"))),
    ],
    ["torch.Size", first],
    ...["intlist", "tensorlist", "doublelist", "boollist"].map(
      (of) => [`torch.jit._pickle.build_${of}`, first] as const,
    ),
    ["torch.jit._pickle.restore_type_tag", first],
    ["torch.device", new Callable(() => new Named("torch.device", false))],
    ["torch.serialization._get_layout", new Callable(() => new Named("torch.layout", false))],
  ]);
  const python = pythonGlobals(own);
  return (module, name) => {
    const isStorageType = /^torch(\.cuda|\.storage)?$/.test(module) && /^\w+Storage$/.test(name);
    return isStorageType ? new StorageType(name) : python(module, name);
  };
}

/** Latin-1 text as bytes, once for each text. */
function latinBytes(): (text: string) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (text) => {
    const known = made.get(text);
    if (known) return known;
    const bytes = new Uint8Array(text.length);
    for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
    made.set(text, bytes);
    return bytes;
  };
}

/** Characters of DataParallel's `module.`, torch.compile's `_orig_mod.` and a wrapper's `model.`, where every name has them. */
function commonPrefix(names: readonly string[]): number {
  let prefix = /^((module|_orig_mod|model)\.)*/.exec(names[0] ?? "")![0];
  for (const name of names)
    while (!name.startsWith(prefix)) prefix = prefix.slice(0, prefix.lastIndexOf(".", prefix.length - 2) + 1);
  return prefix.length;
}

import { ModelFormatError } from "../errors.js";
import { MAX_NAME, MAX_NESTING, MAX_PICKLE_ITEMS, MAX_TENSORS } from "../limits.js";
import { type Draft, OtherTensor, QuantizedDraft, TensorDraft, WrappedDraft } from "./drafts.js";
import { NumpyArray } from "./numpy.js";
import { PickleDict, StandIn } from "./pickle.js";

type Found = Map<string, Draft | NumpyArray>;

/** Where training scripts put weights, the likeliest first. */
const keys = [
  ...["state_dict", "model", "model_state_dict", "net", "module", "ema", "model_ema"],
  ...[
    "model_state",
    "network",
    "weights",
    "params",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema_state_dict",
    "blobs",
  ],
  ...["student", "teacher", "backbone", "encoder", "state", "net_state_dict"],
];

/** What stands beside weights and is none. */
const others = /optim|sched|scaler|momentum|rng|hyper|config|args|metrics/i;

/** Dicts in dicts that are looked through. */
const DEPTH = 3;
/** Entries that are looked at for a dict of tensors under an unknown name. */
const ENTRIES = 1000;

/**
 * The tensors at a checkpoint's root, or under a key that training scripts use, or under the only other key that has some; of a
 * whole pickled module those in its tree of modules. `notes` gets what was chosen, and what else there was.
 */
export function findTensors(root: unknown, origin: string, notes: string[]): Found | null {
  /** Dicts that were looked through: a file may have one dict in many places. */
  const looked = new Map<PickleDict, boolean>();
  return find(root, 0);

  function find(value: unknown, depth: number): Found | null {
    const module = moduleTensors(value, origin);
    if (module) {
      notes.push(`The file holds a whole ${(value as StandIn).name}: its tensors were read, its code is not in it.`);
      return module;
    }
    const dict = value instanceof StandIn ? (value.items ?? value.state) : value;
    if (depth > DEPTH) return null;
    if (!(dict instanceof PickleDict)) return Array.isArray(dict) ? only(dict.entries(), depth) : null;
    const chosen = keys.find((key) => holdsTensors(dict.get(key), depth + 1));
    const found = chosen === undefined ? null : find(dict.get(chosen), depth + 1);
    if (found) {
      const rest = keys.filter((key) => key !== chosen && holdsTensors(dict.get(key), depth + 1));
      if (rest.length) {
        const list = rest.map((key) => `"${key}"`).join(", ");
        notes.push(`The weights under "${chosen}" were read; the file has others under ${list}.`);
      }
      return found;
    }
    return tensorsOf(dict) ?? only(dict, depth);
  }

  function only(entries: Iterable<readonly [unknown, unknown]>, depth: number): Found | null {
    const holding: [unknown, unknown][] = [];
    let seen = 0;
    for (const [key, value] of entries) {
      if (++seen > ENTRIES) break;
      if (typeof key === "string" && others.test(key)) continue;
      if (holdsTensors(value, depth + 1)) holding.push([key, value]);
    }
    const names = holding.slice(0, 8).map(([key]) => shown(key));
    if (holding.length > 1) {
      throw new ModelFormatError(
        `${origin} has tensors under ${names.join(", ")}. Save the state dict of one network.`,
      );
    }
    if (holding.length === 0) return null;
    notes.push(`The weights under ${names[0]} were read.`);
    return find(holding[0]![1], depth + 1);
  }

  /** As `find`, without reading. */
  function holdsTensors(value: unknown, depth: number): boolean {
    if (value instanceof StandIn && isModule(value)) return true;
    const dict = value instanceof StandIn ? (value.items ?? value.state) : value;
    if (!(dict instanceof PickleDict) || depth > DEPTH) return false;
    const known = looked.get(dict);
    if (known !== undefined) return known;
    looked.set(dict, false);
    let holds = false;
    for (const [name, it] of dict) holds ||= typeof name === "string" && isTensor(it);
    holds ||= keys.some((key) => holdsTensors(dict.get(key), depth + 1));
    looked.set(dict, holds);
    return holds;
  }

  function tensorsOf(dict: PickleDict): Found | null {
    const found: Found = new Map();
    const arrays: Found = new Map();
    for (const [name, value] of dict) {
      if (typeof name !== "string") continue;
      if (value instanceof NumpyArray) put(arrays, name, value, origin);
      else if (isTensor(value)) put(found, name, value, origin);
      else if (Array.isArray(value) && PACKED.test(name)) putPacked(found, name, value, origin);
      else if (value instanceof StandIn && /Tensor$/.test(value.name)) {
        put(found, name, new OtherTensor(`a ${value.name}`, "Save plain tensors."), origin);
      }
    }
    // Beside tensors, arrays are curves and statistics.
    const tensors = found.size > 0 ? found : arrays;
    return tensors.size > 0 ? tensors : null;
  }
}

/** A key for a message. Keys that are neither text nor numbers are not written out: a tuple may hold itself a million times. */
function shown(key: unknown): string {
  if (typeof key === "string") return `"${key.slice(0, 80)}"`;
  return typeof key === "number" ? `number ${key}` : "a key of another kind";
}

function isTensor(value: unknown): value is Draft | NumpyArray {
  return [TensorDraft, OtherTensor, QuantizedDraft, WrappedDraft, NumpyArray].some((kind) => value instanceof kind);
}

/** How PyTorch keeps the weight and the bias of a quantised linear layer. */
const PACKED = /(^|\.)_packed_params\._packed_params$/;

function putPacked(found: Found, name: string, [weight, bias]: readonly unknown[], origin: string): void {
  const prefix = name.replace(PACKED, "$1");
  if (isTensor(weight)) put(found, `${prefix}weight`, weight, origin);
  if (isTensor(bias)) put(found, `${prefix}bias`, bias, origin);
}

function put(found: Found, name: string, value: Draft | NumpyArray, origin: string): void {
  if (name.length > MAX_NAME) {
    throw new ModelFormatError(`${origin}: a tensor's name has more than ${MAX_NAME} characters.`);
  }
  if (found.size === MAX_TENSORS) throw new ModelFormatError(`${origin} has more than ${MAX_TENSORS} tensors.`);
  found.set(name, value);
}

/** A torch.nn.Module has dicts of parameters, buffers and modules; TorchScript's objects have all of them as attributes. */
function isModule({ name, state }: StandIn): boolean {
  return state instanceof PickleDict && (name.startsWith("__torch__.") || state.get("_modules") instanceof PickleDict);
}

/** Null where `root` is no module, or none with tensors. */
function moduleTensors(root: unknown, origin: string): Found | null {
  if (!(root instanceof StandIn) || !isModule(root)) return null;
  const found: Found = new Map();
  let steps = 0;
  visit(root, "", 0);
  return found.size > 0 ? found : null;

  /** One module may be a part of many, which may double at each level. */
  function step(depth: number): void {
    if (++steps <= MAX_PICKLE_ITEMS && depth <= MAX_NESTING) return;
    throw new ModelFormatError(`${origin}: its modules are too many, or nested too deep. Save the state dict alone.`);
  }

  function visit(module: StandIn, prefix: string, depth: number): void {
    const state = module.state as PickleDict;
    if (module.name.startsWith("__torch__.")) {
      visitAll(state, prefix, depth);
      return;
    }
    const listed = state.get("_non_persistent_buffers_set");
    const passing = Array.isArray(listed) ? listed.slice(0, 100) : [];
    for (const part of ["_parameters", "_buffers"]) {
      const tensors = state.get(part);
      if (!(tensors instanceof PickleDict)) continue;
      for (const [name, value] of tensors) {
        step(depth);
        if (typeof name !== "string" || !isTensor(value)) continue;
        if (part === "_buffers" && passing.includes(name)) continue;
        put(found, prefix + name, value, origin);
      }
    }
    visitAll(state.get("_modules"), prefix, depth);
  }

  function visitAll(members: unknown, prefix: string, depth: number): void {
    if (!(members instanceof PickleDict)) return;
    for (const [name, value] of members) {
      step(depth);
      if (typeof name !== "string") continue;
      if (isTensor(value)) put(found, prefix + name, value, origin);
      else if (value instanceof StandIn && isModule(value)) visit(value, `${prefix}${name}.`, depth + 1);
    }
  }
}

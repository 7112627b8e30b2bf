import { isCounts, OtherTensor, TensorDraft, WrappedDraft } from "./drafts.js";
import { Named, PickleDict } from "./pickle.js";

/** What a pickled tensor of one of torchao's classes is in its safetensors files. */
export interface Parts {
  readonly parts: Iterable<readonly [name: string, tensor: TensorDraft | OtherTensor]>;
  /** What the metadata state of it, in JSON; empty where that is nothing. */
  readonly stated: string;
}

/** What is read of its attributes: no other may be made many times of one. */
const PARTS = /^(qdata|int_data|scale|zero_point|act_pre_scale)$/;

/** The parts of a tensor whose integers and scales lie open; any other is one that is refused by its class, where it is a weight. */
export function unwrap(as: string, { cls, state }: WrappedDraft): Parts {
  const name = cls instanceof Named ? cls.name : "";
  const type = /^torchao\.(?:\w+\.)*(\w+)$/.exec(name)?.[1];
  const kind = type ? `torchao's ${type.slice(0, 100)}` : name ? `a ${name.slice(0, 100)}` : "of a kind of its own";
  const tensor = new OtherTensor(kind, "Save its weights dequantised: tensor.dequantize().");
  const refused: Parts = { parts: [[as, tensor]], stated: "" };
  if (type === undefined || !(state instanceof PickleDict)) return refused;
  // What rounds a layer's input stands around its weight.
  const around = state.get("original_weight_tensor");
  if (around instanceof WrappedDraft && !isAround(around)) return unwrap(as, around);
  const inner = state.get("tensor_impl");
  const attributes = inner instanceof WrappedDraft ? inner.state : state;
  if (!(attributes instanceof PickleDict)) return refused;
  const parts = new Map<string, TensorDraft>();
  for (const [key, value] of attributes) {
    if (!(value instanceof TensorDraft) || typeof key !== "string" || !PARTS.test(key)) continue;
    parts.set(partOf(as, key === "int_data" ? "qdata" : key), value);
  }
  if (!parts.has(partOf(as, "qdata"))) return refused;
  const domain = state.get("zero_point_domain");
  // Only an integer domain has a meaning here; one that is not told is null.
  const told = domain instanceof Named && domain.name.endsWith(".INT") ? "INT" : null;
  const size = state.get("block_size");
  const data = {
    block_size: isCounts(size) ? size : null,
    ...(inner === undefined ? {} : { zero_point_domain: told }),
  };
  return { stated: JSON.stringify({ _type: type, _data: data }), parts };
}

/** torchao's name of a tensor's part: "fc._weight_qdata" of "fc.weight". */
export const partOf = (name: string, part: string) => `${name.replace(/[^.]+$/, "_$&")}_${part}`;

/** A file could put one around another a million times. */
const isAround = ({ state }: WrappedDraft) =>
  state instanceof PickleDict && state.get("original_weight_tensor") !== undefined;

import { parseJson } from "../base/json.js";
import { ModelFormatError } from "../errors.js";
import { NONE } from "../features/none.js";
import { VIEWS } from "../features/views.js";
import type { Tensor } from "../graph/tensor.js";
import { readSafetensors } from "../weights/safetensors.js";
import { toFloat32 } from "../weights/values.js";
import { encode, float32 } from "../weights/write.js";
import type { Example } from "./fit.js";

/** The name in a safetensors file's metadata under which it says that it holds examples. */
const EXAMPLES = "resnet-edge.examples";
/** Ids grow by one an example, and stay whole numbers. */
const MOST_ID = 2 ** 40;

export interface State {
  readonly examples: readonly Example[];
  /** What the backbone makes of the teacher's own picture, [features]; null before the first example. */
  readonly probe: Float32Array | null;
  /** Where the backbone's own classifier sees that picture, [features]; null where there is none, and in older states. */
  readonly probeLean: Float32Array | null;
}

/** A label is a text of its own: not empty, and not the one of what is none of the classes. */
export const isLabel = (label: unknown): label is string =>
  typeof label === "string" && label !== "" && label !== NONE.label;

/**
 * Examples as a safetensors file: `views` [examples, views, features], `lean` [examples, features] where each has one, `probe` [features];
 * `probe_lean` [features] where the backbone has a classifier; ids and labels in the metadata.
 */
export function writeState({ examples, probe, probeLean }: State, features: number): Uint8Array<ArrayBuffer> {
  const count = examples.length;
  const listed = examples.map(({ id, label }) => ({ id, label }));
  const views = count === 0 ? 0 : examples[0]!.views.length / features;
  const tensors = [float32("views", [count, views, features], joined(examples.map((it) => it.views)))];
  const leans = examples.flatMap(({ lean }) => (lean ? [lean] : []));
  if (count > 0 && leans.length === count) tensors.push(float32("lean", [count, features], joined(leans)));
  if (probe) tensors.push(float32("probe", [features], probe));
  if (probeLean) tensors.push(float32("probe_lean", [features], probeLean));
  return encode(tensors, { [EXAMPLES]: JSON.stringify({ features, examples: listed }) });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Reads what `writeState` wrote. Throws `ModelFormatError` for anything else, and for another number of features. */
export function readState(state: Uint8Array | ArrayBuffer, features: number): State {
  const bytes = state instanceof Uint8Array ? state : new Uint8Array(state);
  const fail = (what: string): never => {
    throw new ModelFormatError(`The teacher's state ${what}.`);
  };
  const { tensors, metadata } = readSafetensors(bytes, "the teacher's state");
  const text = metadata.get(EXAMPLES) ?? fail("is another file: it has no examples");
  const json = parseJson(text, "The teacher's state") as { features?: unknown; examples?: unknown } | null;
  if (json?.features !== features) fail(`has ${json?.features} features; this backbone has ${features}`);
  if (!Array.isArray(json!.examples)) return fail("has no list of examples");
  const listed: readonly ({ id?: unknown; label?: unknown } | null)[] = json!.examples;
  const count = listed.length;

  const read = (name: string, tensor: Tensor, rank: number) => {
    const { shape } = tensor;
    if (shape.length !== rank || shape[rank - 1] !== features || (rank > 1 && shape[0] !== count)) {
      fail(`has ${name} of ${shape.join(" x ")}, for ${count} examples of ${features} features`);
    }
    const values = toFloat32(tensor);
    if (!values.every(Number.isFinite)) fail(`has a value in ${name} that is not finite`);
    return values;
  };
  const views = read("views", tensors.get("views") ?? fail("has no views of its examples"), 3);
  if (count === 0) return { examples: [], probe: null, probeLean: null };
  if (views.length !== count * VIEWS * features) fail(`has another number of views of a picture than ${VIEWS}`);
  const probe = read("probe", tensors.get("probe") ?? fail("does not tell its backbone"), 1);
  const lean = tensors.get("probe_lean");
  const probeLean = lean ? read("probe_lean", lean, 1) : null;
  const given = tensors.get("lean");
  const leans = given ? read("lean", given, 2) : null;

  const seen = new Set<unknown>();
  const length = views.length / count;
  const examples = listed.map((entry, index) => {
    const { id, label } = entry ?? {};
    if (!Number.isSafeInteger(id) || (id as number) < 1 || (id as number) > MOST_ID || seen.has(id)) {
      fail("has an example without an id of its own");
    }
    if (!isLabel(label)) return fail(`has an example ${id} without a label`);
    seen.add(id);
    const own = views.slice(index * length, (index + 1) * length);
    if (!own.subarray(0, features).some((value) => value !== 0))
      fail(`has an example ${id} whose features are all zero`);
    return {
      id: id as number,
      label,
      views: own,
      lean: leans?.slice(index * features, (index + 1) * features) ?? null,
    };
  });
  return { examples, probe, probeLean };
}

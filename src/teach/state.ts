import { parseJson } from "../base/json.js";
import { ModelFormatError } from "../errors.js";
import { readSafetensors } from "../weights/safetensors.js";
import { toFloat32 } from "../weights/values.js";
import { encode, float32, type Written } from "../weights/write.js";
import type { Example } from "./fit.js";

/** The name in a safetensors file's metadata under which it says that it holds examples. */
const EXAMPLES = "resnet-edge.examples";

/** Examples as a safetensors file: for each its views, [views, features], and its `lean`; ids and labels in the metadata. */
export function writeState(examples: readonly Example[], features: number): Uint8Array<ArrayBuffer> {
  const tensors: Written[] = [];
  for (const { id, views, lean } of examples) {
    tensors.push(float32(`views.${id}`, [views.length / features, features], views));
    if (lean) tensors.push(float32(`lean.${id}`, [features], lean));
  }
  const listed = examples.map(({ id, label }) => ({ id, label }));
  return encode(tensors, { [EXAMPLES]: JSON.stringify({ features, examples: listed }) });
}

/** Reads what `writeState` wrote. Throws `ModelFormatError` for anything else, and for the features of another network. */
export function readState(state: Uint8Array | ArrayBuffer, features: number): Example[] {
  const bytes = state instanceof Uint8Array ? state : new Uint8Array(state);
  const fail = (what: string): never => {
    throw new ModelFormatError(`The teacher's state ${what}.`);
  };
  const { tensors, metadata } = readSafetensors(bytes, "the teacher's state");
  const text = metadata.get(EXAMPLES) ?? fail("is another file: it has no examples");
  const json = parseJson(text, "The teacher's state") as { features?: unknown; examples?: unknown } | null;
  if (json?.features !== features) fail(`has ${json?.features} features; this backbone has ${features}`);
  if (!Array.isArray(json!.examples)) return fail("has no list of examples");
  const seen = new Set<number>();
  return json!.examples.map((entry: { id?: unknown; label?: unknown } | null) => {
    const { id, label } = entry ?? {};
    if (!Number.isSafeInteger(id) || (id as number) < 1 || seen.has(id as number))
      fail("has an example without an id of its own");
    if (typeof label !== "string" || label === "") fail(`has an example ${id} without a label`);
    seen.add(id as number);
    const found = tensors.get(`views.${id}`);
    if (found?.shape.length !== 2 || found.shape[1] !== features || found.shape[0]! < 1) {
      return fail(`has no views of example ${id}`);
    }
    const lean = tensors.get(`lean.${id}`);
    if (lean && (lean.shape.length !== 1 || lean.shape[0] !== features)) fail(`has a lean of another length for ${id}`);
    const read = (tensor: typeof found) => {
      const values = toFloat32(tensor);
      if (!values.every(Number.isFinite)) fail(`has a value that is not finite in example ${id}`);
      return values;
    };
    return { id: id as number, label: label as string, views: read(found), lean: lean ? read(lean) : null };
  });
}

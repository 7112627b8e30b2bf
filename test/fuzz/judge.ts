import { unzipSync } from "fflate";
import { parseJson } from "../../src/base/json.js";
import { ResnetEdgeError } from "../../src/errors.js";
import { elementCount, type StateDict } from "../../src/graph/tensor.js";
import { decodeBytes } from "../../src/image/decode-node.js";
import { MAX_JSON_VALUES, MAX_NESTING } from "../../src/limits.js";
import * as foreign from "../../src/weights/foreign.js";
import { readWeights, toFloat32 } from "../../src/weights/index.js";
import { readEntries } from "../../src/weights/inflate.js";
import * as torch from "../../src/weights/torch.js";
import { anyJson, referenceJson } from "./json.js";
import { anyPng, pngSeeds } from "./png.js";
import { damage, Random } from "./random.js";
import { anySafetensors, referenceSafetensors } from "./safetensors.js";
import { anyTorch, type Seed, torchSeeds } from "./torch.js";
import { anyZip } from "./zip.js";

/** One input, and what can be said of a reading of it. */
export interface Input {
  readonly bytes: Uint8Array;
  /** Reads it; throws `Wrong` where what was read is not what the file holds. */
  read(bytes: Uint8Array): Promise<void>;
}

/** A reading that should not have succeeded, or not so, or should have. */
export class Wrong extends Error {
  override name = "Wrong";
}

const host = { loadTorch: async () => torch, loadForeign: async () => foreign };
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** Inputs for one reader, each made of a seed alone. `fixtures`: the folder test/fixtures/. */
export function inputsFor(reader: string, fixtures: URL): (seed: number) => Input {
  switch (reader) {
    case "json":
      return (seed) => {
        const random = new Random(seed);
        const text = new TextEncoder().encode(anyJson(random));
        return { bytes: random.chance(0.2) ? damage(text, random) : text, read: readJson };
      };
    case "safetensors":
      return (seed) => {
        const random = new Random(seed);
        const bytes = anySafetensors(random);
        return { bytes: random.chance(0.1) ? damage(bytes, random) : bytes, read: readSafetensors };
      };
    case "zip":
      return (seed) => {
        const random = new Random(seed);
        const bytes = anyZip(random);
        return { bytes: random.chance(0.2) ? damage(bytes, random) : bytes, read: readArchive };
      };
    case "torch": {
      const seeds = torchSeeds(new URL("weights/", fixtures));
      return (seed) => {
        const { bytes, sound } = anyTorch(seeds, new Random(seed));
        return { bytes, read: (bytes) => readCheckpoint(bytes, sound) };
      };
    }
    case "png": {
      const seeds = pngSeeds(new URL("images/", fixtures));
      return (seed) => ({ bytes: anyPng(seeds, new Random(seed)), read: readPicture });
    }
    default:
      throw new Error(`There is no reader ${reader}; there are safetensors, torch, zip, json and png.`);
  }
}

async function readJson(bytes: Uint8Array): Promise<void> {
  const text = new TextDecoder().decode(bytes);
  const reference = referenceJson(text);
  const found = attempt(() => parseJson(text, "x"));
  if (found && !(reference && same(found.value, reference.value))) throw new Wrong("JSON that is none, or is another");
  const deepest = /[[{]/.test(text) ? text.split(/[[{]/).length : 0;
  if (!found && reference && deepest < MAX_NESTING && text.length < MAX_JSON_VALUES)
    throw new Wrong("sound JSON is refused");
  parseJson(text, "x");
}

/** Null for a typed error; others are thrown. */
function attempt<T>(read: () => T): { value: T } | null {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof ResnetEdgeError) return null;
    throw error;
  }
}

async function readSafetensors(bytes: Uint8Array): Promise<void> {
  const reference = referenceSafetensors(bytes);
  const supported = new Set(["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"]);
  try {
    const state = await readWeights(bytes, "x", host);
    if (state.format !== "safetensors") throw new Wrong("taken for another format");
    if (!reference || reference.size !== state.tensors.size) throw new Wrong("a file that is not sound is read");
    for (const [name, { dtype, shape, bytes }] of reference) {
      const tensor = state.tensors.get(name);
      const right = tensor && tensor.dtype.toUpperCase() === dtype && same(tensor.shape, shape);
      if (!right || !sameBytes(tensor.bytes, bytes)) throw new Wrong(`tensor ${name} is another`);
    }
    readAll(state);
  } catch (error) {
    const within = reference && [...reference].every(([name, it]) => name.length < 1000 && it.shape.length <= 16);
    const plain = within && [...reference!.values()].every(({ dtype }) => supported.has(dtype));
    // Metadata has rules of its own.
    if (plain && error instanceof ResnetEdgeError && !/metadata|no object|nested|characters/.test(error.message)) {
      throw new Wrong(`a sound file is refused: ${error.message}`);
    }
    throw error;
  }
}

async function readArchive(bytes: Uint8Array): Promise<void> {
  const entries = await readEntries(bytes, "x", () => () => true);
  const read = new Map([...entries].map(([name, entry]) => [name, attempt(entry)?.value]));
  const total = [...read.values()].reduce((sum, it) => sum + (it?.length ?? 0), 0);
  if (total > 1e6) return;
  let reference: Record<string, Uint8Array>;
  try {
    reference = unzipSync(bytes, { filter: ({ originalSize }) => originalSize < 1e6 });
  } catch {
    // fflate knows less of zip64, and takes no comment that holds a record.
    return;
  }
  for (const [name, content] of read) {
    const other = reference[name];
    if (content && other && !sameBytes(content, other)) throw new Wrong(`entry ${name} is another`);
  }
}

async function readCheckpoint(bytes: Uint8Array, sound: Seed | null): Promise<void> {
  if (!sound) {
    readAll(await readWeights(bytes, "x", host));
    return;
  }
  const original = await readWeights(sound.bytes, "x", host).then(
    (state) => ({ state, refusal: "" }),
    (error: Error) => ({ state: null, refusal: error.message }),
  );
  const state = await readWeights(bytes, "x", host).catch((error: Error) => {
    if (original.refusal !== error.message)
      throw new Wrong(`${sound.name}, wrapped otherwise, is refused: ${error.message}`);
    throw error;
  });
  const same =
    original.state?.tensors.size === state.tensors.size &&
    [...original.state.tensors].every(([name, tensor]) => {
      const other = state.tensors.get(name);
      return other && sameBytes(new Uint8Array(toFloat32(tensor).buffer), new Uint8Array(toFloat32(other).buffer));
    });
  if (!same) throw new Wrong(`${sound.name}, wrapped otherwise, has other tensors`);
}

/** A tensor that was accepted can be read. */
function readAll(state: StateDict): void {
  for (const tensor of state.tensors.values()) if (elementCount(tensor.shape) < 1e6) toFloat32(tensor);
}

async function readPicture(bytes: Uint8Array): Promise<void> {
  const { data, width, height } = await decodeBytes(bytes, "x");
  const channels = data.length / (width * height);
  if (channels !== 3 && channels !== 4) throw new Wrong("a picture with another number of values");
}

import { anyJson, referenceJson } from "./json.js";
import { edges, type Random } from "./random.js";

type Entry = [name: string, json: string];

/** A file of a header's members, written as they are: names may come twice. */
function file(members: readonly Entry[], values: Uint8Array, random: Random): Uint8Array {
  let text = `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
  if (random.chance(0.2)) text = text.padEnd(8 * Math.ceil(text.length / 8) + 8 * random.below(8));
  const header = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + header.length + values.length);
  const stated = random.chance(0.03) ? random.of(edges) : header.length;
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(Math.trunc(stated))), true);
  bytes.set(header, 8);
  bytes.set(values, 8 + header.length);
  return bytes;
}

/** Tensors one behind the other, then some changes to what is said of them. */
export function anySafetensors(random: Random): Uint8Array {
  const sizes: Record<string, number> = { F32: 4, F16: 2, BF16: 2, F64: 8, I64: 8, U8: 1, BOOL: 1 };
  const members: Entry[] = [];
  let end = 0;
  for (let left = random.below(6); left > 0; left--) {
    const dtype = random.of(Object.keys(sizes));
    const shape = Array.from({ length: random.below(4) }, () => random.below(4));
    const begin = end;
    end += shape.reduce((product, extent) => product * extent, sizes[dtype]!);
    members.push([`layer.${members.length}`, JSON.stringify({ dtype, shape, data_offsets: [begin, end] })]);
  }
  if (random.chance(0.5)) members.unshift(["__metadata__", '{"format":"pt"}']);
  const values = Uint8Array.from({ length: end }, () => random.below(256));
  for (let changes = random.below(4); changes > 0 && members.length > 0; changes--) {
    const at = random.below(members.length);
    const [name, json] = members[at]!;
    switch (random.below(9)) {
      case 0:
        members[at] = [name, json.replace(/-?\d+/g, (digits) => (random.chance(0.3) ? `${random.of(edges)}` : digits))];
        break;
      case 1:
        members[at] = [
          name,
          json.replace(/"dtype":"\w+"/, `"dtype":${random.of(['"F8_E4M3"', '"F32"', '"f32"', "{}", anyJson(random)])}`),
        ];
        break;
      case 2:
        members.splice(random.below(members.length), 0, [name, json]);
        break;
      case 3:
        members[at] = [random.of(["", "__proto__", "constructor", "x".repeat(1200), "\ud800", "\u0000"]), json];
        break;
      case 4:
        members[at] = [name, anyJson(random)];
        break;
      case 5:
        members.splice(at, 1);
        break;
      case 6:
        members.reverse();
        break;
      case 7:
        members[at] = [name, json.replace("[", "[[").replace("]", "]]")];
        break;
      default:
        members[at] = [name, json.replace("}", `,"more":${anyJson(random)}}`)];
    }
  }
  return file(members, random.chance(0.1) ? values.subarray(random.below(4)) : values, random);
}

export interface ReferenceTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An independent reader, by the format's text alone; undefined where the file is not sound. */
export function referenceSafetensors(bytes: Uint8Array): Map<string, ReferenceTensor> | undefined {
  if (bytes.length < 8) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
  } catch {
    return undefined;
  }
  const header = referenceJson(text)?.value;
  if (typeof header !== "object" || header === null || Array.isArray(header)) return undefined;
  const values = bytes.subarray(8 + length);
  const tensors = new Map<string, ReferenceTensor>();
  const covered = new Uint8Array(values.length);
  const ends = new Set([0]);
  const empty: number[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const whole = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((it) => Number.isSafeInteger(it) && it >= 0);
    if (typeof dtype !== "string" || !whole(shape) || !whole(offsets) || offsets.length !== 2) return undefined;
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > values.length) return undefined;
    for (let at = begin; at < end; at++) if (covered[at]!++) return undefined;
    if (begin === end) empty.push(begin);
    else ends.add(end);
    const bits = Number(/\d+/.exec(dtype.replace("BOOL", "8"))?.[0]);
    if (shape.reduce((product, extent) => product * extent, bits / 8) !== end - begin) return undefined;
    tensors.set(name, { dtype, shape, bytes: values.subarray(begin, end) });
  }
  // Tensors lie one behind the other, those without elements too: none begins inside of another.
  return covered.includes(0) || !empty.every((at) => ends.has(at)) ? undefined : tensors;
}

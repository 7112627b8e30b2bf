import { readdirSync, readFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { damage, edges, type Random, splice } from "./random.js";
import { type Part, writeZip } from "./zip.js";

const lengths: Readonly<Record<number, number>> = {
  128: 1,
  149: 8,
  74: 4,
  75: 1,
  77: 2,
  71: 8,
  113: 1,
  114: 4,
  104: 1,
  106: 4,
};
/** Opcodes whose argument begins with its length, of so many bytes. */
const counted: Readonly<Record<number, number>> = {
  85: 1,
  140: 1,
  84: 4,
  88: 4,
  141: 8,
  67: 1,
  66: 4,
  142: 8,
  150: 8,
  138: 1,
  139: 4,
};
/** Those with lines of text behind them. */
const lined: Readonly<Record<number, number>> = {
  73: 1,
  76: 1,
  70: 1,
  83: 1,
  86: 1,
  99: 2,
  105: 2,
  112: 1,
  103: 1,
  80: 1,
};

/** Where each instruction of a pickle begins, as far as it can be followed. */
function instructions(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    starts.push(at);
    const opcode = bytes[at++]!;
    if (opcode === 46) break;
    const size = counted[opcode];
    if (size !== undefined) {
      let length = 0;
      for (let index = Math.min(size, 4) - 1; index >= 0; index--) length = length * 256 + bytes[at + index]!;
      at += size + length;
    } else if (lined[opcode]) {
      for (let lines = lined[opcode]!; lines > 0; lines--) at = bytes.indexOf(10, at) + 1 || bytes.length;
    } else at += lengths[opcode] ?? 0;
  }
  return starts.filter((start) => start < bytes.length);
}

const text = (value: string) => [...new TextEncoder().encode(value)];
const word = (value: number) => [0, 8, 16, 24].map((shift) => (value / 2 ** shift) & 255);

const globals = [
  "os system",
  "builtins eval",
  "builtins getattr",
  "builtins set",
  "builtins list",
  "builtins dict",
  "collections OrderedDict",
  "collections Counter",
  "collections defaultdict",
  "argparse Namespace",
  "torch._utils _rebuild_tensor_v2",
  "torch._utils _rebuild_parameter",
  "torch._utils _rebuild_qtensor",
  "torch._tensor _rebuild_from_type_v2",
  "torch FloatStorage",
  "torch HalfStorage",
  "torch.storage UntypedStorage",
  "torch Size",
  "numpy.core.multiarray _reconstruct",
  "numpy dtype",
  "numpy ndarray",
  "numpy._core.numeric _frombuffer",
  "_codecs encode",
  "copyreg _reconstructor",
  "mymodel Net",
  "__torch__.x Net",
  "torch.nn.modules.conv Conv2d",
];

/** One instruction, or a few that belong together. */
function anyInstruction(random: Random): number[] {
  switch (random.below(12)) {
    case 0:
      return [99, ...text(`${random.of(globals).replace(" ", "\n")}\n`)];
    case 1:
      return [74, ...word(random.of(edges))];
    case 2:
      return [75, random.below(256)];
    case 3:
      return random.of([
        [104, random.below(64)],
        [113, random.below(64)],
        [106, ...word(random.of(edges))],
        [114, ...word(random.of(edges))],
      ]);
    case 4:
      return [88, ...word(1), random.of([97, 0xff])];
    case 5:
      return [71, ...Array.from({ length: 8 }, () => random.below(256))];
    case 6: {
      // What doubles: a tuple of a tuple twice.
      const again = random.below(200);
      return [93, 113, 7, ...Array.from({ length: again }, () => [104, 7, 104, 7, 134, 113, 7]).flat()];
    }
    case 7: {
      // What nests.
      const depth = random.of([10, 100, 5000]);
      return [...new Array(depth).fill(93), ...new Array(depth - 1).fill(97)];
    }
    case 8:
      return random.of([
        [41, 82],
        [41, 129],
        [125, 98],
        [40, 116],
        [40, 108],
        [40, 117],
        [40, 101],
        [147],
        [81],
        [40, 100],
      ]);
    case 9:
      return [138, 1, random.below(256)];
    default:
      return [
        random.of([
          40, 48, 49, 50, 78, 136, 137, 93, 41, 125, 143, 108, 116, 145, 100, 133, 134, 135, 97, 101, 144, 115, 117, 82,
          129, 146, 98, 81, 148, 46,
        ]),
      ];
  }
}

/** Changes instructions of one pickle, of those from `from` on. */
function changePickle(pickle: Uint8Array, random: Random): Uint8Array {
  let bytes = pickle;
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const starts = instructions(bytes);
    if (starts.length === 0) return bytes;
    const index = random.below(starts.length);
    const at = starts[index]!;
    const length = (starts[index + 1] ?? bytes.length) - at;
    const instruction = bytes.slice(at, at + length);
    switch (random.below(6)) {
      case 0:
        bytes = splice(bytes, at, length, []);
        break;
      case 1:
        bytes = splice(bytes, at, 0, instruction);
        break;
      case 2:
        bytes = splice(bytes, at, 0, anyInstruction(random));
        break;
      case 3:
        bytes = splice(bytes, at, length, anyInstruction(random));
        break;
      case 4: {
        // A number's argument.
        const numbers = starts.filter((start) => [74, 75, 77].includes(bytes[start]!));
        const start = numbers.length ? random.of(numbers) : at;
        bytes = splice(
          bytes,
          start,
          1 + (lengths[bytes[start]!] ?? 0),
          random.chance(0.5) ? [74, ...word(random.of(edges))] : [75, random.below(9)],
        );
        break;
      }
      default: {
        const other = starts[random.below(starts.length)]!;
        const next = starts[starts.indexOf(other) + 1] ?? bytes.length;
        bytes = splice(bytes, at, length, bytes.slice(other, next));
      }
    }
  }
  return bytes;
}

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of an archive. */
  readonly parts: readonly Part[] | null;
}

export function torchSeeds(folder: URL): Seed[] {
  const names = ["", "company/"].flatMap((sub) => readdirSync(new URL(sub, folder)).map((name) => sub + name));
  return names
    .filter((name) => /\.(pth|pkl)$/.test(name))
    .sort()
    .map((name) => {
      const bytes = new Uint8Array(readFileSync(new URL(name, folder)));
      const parts =
        bytes[0] === 0x50 ? Object.entries(unzipSync(bytes)).map(([name, bytes]) => ({ name, bytes })) : null;
      return { name, bytes, parts };
    });
}

/** A changed checkpoint. `sound`: only its wrapping was changed, so that it has the tensors of the seed. */
export function anyTorch(seeds: readonly Seed[], random: Random): { bytes: Uint8Array; sound: Seed | null } {
  const seed = random.of(seeds);
  if (random.chance(0.15)) return { bytes: damage(seed.bytes, random), sound: null };
  if (!seed.parts) return { bytes: changePickle(seed.bytes, random), sound: null };
  const parts: Part[] = seed.parts.map((part) => ({ ...part }));
  const kind = random.below(10);
  if (kind < 2) {
    const folder = parts[0]!.name.split("/")[0]!;
    for (const part of parts) {
      part.deflated = random.chance(0.3);
      part.name = part.name.replace(folder, "renamed");
    }
    if (random.chance(0.5)) parts.push({ name: "renamed/extra", bytes: new Uint8Array(20) });
    parts.sort(() => random.below(3) - 1);
    const comment = random.chance(0.3) ? "a comment" : "";
    return { bytes: writeZip(parts, { zip64: random.chance(0.3), comment }), sound: seed };
  }
  if (kind < 8) {
    const pickle = parts.find(({ name }) => name.endsWith("data.pkl"))!;
    pickle.bytes = changePickle(pickle.bytes, random);
  }
  if (kind >= 7) {
    const part = random.of(parts);
    switch (random.below(4)) {
      case 0:
        part.bytes = part.bytes.subarray(random.below(4));
        break;
      case 1:
        part.bytes = damage(part.bytes, random);
        break;
      case 2:
        part.name = random.of(parts).name;
        break;
      default:
        parts.splice(parts.indexOf(part), 1);
    }
  }
  return { bytes: writeZip(parts, { lies: { random, share: random.of([0, 0, 0.005]) } }), sound: null };
}

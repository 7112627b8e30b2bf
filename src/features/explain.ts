import { checkFields } from "../base/nearest.js";
import { OptionError, throwIfAborted, UnsupportedModelError } from "../errors.js";
import type { ExplainOptions, HeatMap } from "../options.js";
import type { Answers, AskedFor, NetworkInput, What } from "./asked.js";

/** What of a session a map is made with. */
interface Explained {
  readonly inputShape: readonly number[];
  run(input: Float32Array, options: { signal?: AbortSignal | null }): Promise<Float32Array>;
  features<W extends What>(asked: AskedFor<W>, signal?: AbortSignal | null): Promise<Answers[W]>;
}

const known: Readonly<Record<keyof ExplainOptions, 0>> = { index: 0, method: 0, cells: 0, onProgress: 0, signal: 0 };
const methods = ["auto", "cam", "occlusion"];
/** More than that hide nothing that a network sees. */
const MOST_CELLS = 64;

/** As `Classifier.explain`. */
export async function explain(session: Explained, image: unknown, options: ExplainOptions): Promise<HeatMap> {
  checkFields(options, Object.keys(known), "explain option");
  const { index, method = "auto", cells = 8, signal } = options;
  if (!methods.includes(method)) {
    throw new OptionError(`method is "${method}"; it must be one of ${methods.join(", ")}.`);
  }
  if (!Number.isInteger(cells) || cells < 1 || cells > MOST_CELLS) {
    throw new OptionError(`cells is ${cells}; it must be a whole number from 1 to ${MOST_CELLS}.`);
  }
  if (method !== "occlusion") {
    const map = await session.features<"map">({ what: "map", image, index }, signal);
    if (map) return { ...map, method: "cam", shares: map.values.map((value) => value / map.values.length) };
    if (method === "cam") {
      throw new UnsupportedModelError(
        'A class activation map is exact for a head of a global average pool and a linear layer; this one differs. Ask for "occlusion".',
      );
    }
  }
  const given = await session.features<"input">({ what: "input", image, index }, signal);
  return occlusion(session, given, cells, options);
}

/**
 * Zeiler & Fergus 2014, section 4.2: how much the class's logit falls when a part of the picture is hidden. The part is two cells wide, and
 * gray: the mean that the picture was normalised with.
 */
async function occlusion(
  session: Explained,
  { input, binary, ...given }: NetworkInput,
  cells: number,
  { onProgress, signal }: ExplainOptions,
): Promise<HeatMap> {
  const [, channels, height, width] = session.inputShape as [number, number, number, number];
  const [rows, columns] = [Math.min(cells, height), Math.min(cells, width)];
  const logitOf = async (image: Float32Array) => {
    const logits = await session.run(image, { signal: signal ?? null });
    if (!binary) return logits[given.index]!;
    return given.index === 0 ? -logits[0]! : logits[0]!;
  };
  const values = new Float32Array(rows * columns);
  const logit = await logitOf(input);
  let loaded = 0;
  const one = async (row: number, column: number) => {
    const hidden = input.slice();
    const [top, bottom] = around(row, rows, height);
    const [left, right] = around(column, columns, width);
    for (let plane = 0; plane < channels; plane++) {
      for (let y = top; y < bottom; y++)
        hidden.fill(0, (plane * height + y) * width + left, (plane * height + y) * width + right);
    }
    values[row * columns + column] = logit - (await logitOf(hidden));
    onProgress?.({ loaded: ++loaded, total: values.length });
  };
  for (let row = 0; row < rows; row++) {
    throwIfAborted(signal);
    // A row at a time: so many pictures wait in memory.
    await Promise.all(Array.from({ length: columns }, (_, column) => one(row, column)));
  }
  const { index, label, picture, region } = given;
  return {
    index,
    label,
    method: "occlusion",
    height: rows,
    width: columns,
    values,
    shares: null,
    logit,
    bias: 0,
    picture,
    region,
  };
}

/** Pixels of a cell and half of each neighbour. */
function around(cell: number, cells: number, side: number): [begin: number, end: number] {
  const size = side / cells;
  return [Math.max(0, Math.round((cell - 0.5) * size)), Math.min(side, Math.round((cell + 1.5) * size))];
}

import { parseJson } from "../base/json.js";
import { ModelFormatError } from "../errors.js";

/** The format of what page and command save: more members may come, these stay. */
export const FORMAT = "resnet-edge bench 2";

/** What is compared of several devices' results; page and command write it into what they save. */
export interface Summary {
  /** What the device is called. */
  readonly device: string;
  /** Browser or Node, with its version, and the system. */
  readonly runtime: string;
  /** ISO 8601. */
  readonly date: string;
  /** Of resnet-edge. */
  readonly version: string;
  readonly networks: readonly SavedNetwork[];
}

export interface SavedNetwork {
  readonly name: string;
  /** Height and width of its input. */
  readonly input: readonly [height: number, width: number];
  readonly configurations: readonly SavedConfiguration[];
}

export interface SavedConfiguration {
  readonly name: string;
  /** Of one inference, in ms, with the limits of the median's interval. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Documents of one file, and of all lists in them: more is no bench's. */
const MOST_DOCUMENTS = 64;
const MOST_ENTRIES = 64;
const MOST_LETTERS = 200;
/** A day. */
const MOST_MS = 86_400_000;

/**
 * Summaries in a saved file: one report, or one a line. `name` is for messages. Throws `ModelFormatError` for all that is no saved result:
 * files are dropped in by hand and come from strangers.
 */
export function readSaved(text: string, name: string): Summary[] {
  const documents = isOne(text) ? [text] : text.split("\n").filter((line) => line.trim() !== "");
  if (documents.length > MOST_DOCUMENTS) {
    throw new ModelFormatError(`${name} has ${documents.length} lines of results; at most ${MOST_DOCUMENTS} are read.`);
  }
  return documents.map((document) => summaryIn(parseJson(document, name), name));
}

/** A report is written over many lines by the page, and in one line by the command: then each line closes what it opens. */
function isOne(text: string): boolean {
  const first = text.trimStart().split("\n", 1)[0]!.trimEnd();
  return !(first.startsWith("{") && first.endsWith("}"));
}

function summaryIn(document: unknown, name: string): Summary {
  const refuse = (what: string): never => {
    throw new ModelFormatError(`${name} is no saved result of resnet-edge's bench: ${what}.`);
  };
  const object = (value: unknown, what: string): Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : refuse(`${what} is no object`);
  const text = (value: unknown, what: string): string =>
    typeof value === "string" && value.length <= MOST_LETTERS
      ? value
      : refuse(`${what} is no text of at most ${MOST_LETTERS} letters`);
  const list = (value: unknown, what: string): unknown[] =>
    Array.isArray(value) && value.length <= MOST_ENTRIES
      ? value
      : refuse(`${what} is no list of at most ${MOST_ENTRIES}`);
  const between = (value: unknown, least: number, most: number, what: string): number =>
    typeof value === "number" && value >= least && value <= most
      ? value
      : refuse(`${what} is no number from ${least} to ${most}`);

  const whole = object(document, "it");
  if (whole.format !== FORMAT) {
    const found = typeof whole.format === "string" ? `"${whole.format.slice(0, 40)}"` : "none";
    refuse(`its format is ${found}, and "${FORMAT}" is read`);
  }
  const summary = object(whole.summary, "its summary");
  const date = text(summary.date, "its date");
  if (Number.isNaN(Date.parse(date))) refuse("its date is none");
  return {
    device: text(summary.device, "its device"),
    runtime: text(summary.runtime, "its runtime"),
    date,
    version: text(summary.version, "its version"),
    networks: list(summary.networks, "its networks").map((entry) => {
      const network = object(entry, "a network");
      const [height, width] = list(network.input, "a network's input");
      return {
        name: text(network.name, "a network's name"),
        input: [between(height, 1, 1e5, "a height"), between(width, 1, 1e5, "a width")],
        configurations: list(network.configurations, "a network's configurations").map((it) => {
          const configuration = object(it, "a configuration");
          const value = (field: "median" | "low" | "high") => between(configuration[field], 0, MOST_MS, `a ${field}`);
          const [median, low, high] = [value("median"), value("low"), value("high")];
          if (!(low <= median && median <= high)) refuse("a median lies outside of its interval");
          return { name: text(configuration.name, "a configuration's name"), median, low, high };
        }),
      };
    }),
  };
}

import type { Contender } from "../../bench/turns.js";
import { createCpuEngine } from "../../cpu/open.js";
import type { CpuOptions } from "../../cpu/options.js";
import { OptionError } from "../../errors.js";
import type { Network } from "../../graph/network.js";
import { checkOptions } from "../../session/check-options.js";
import { readFields } from "../fields.js";

/** What a configuration may change of the command's own options. */
const fields = ["threads", "simd", "memory", "convolution", "tile"] as const;
type Fields = Pick<CpuOptions, (typeof fields)[number]>;

export interface Configuration {
  readonly name: string;
  readonly options: Fields;
}

/** More take longer than anyone waits, and none could be told from the next. */
const MOST = 12;

/** Of each `--compare threads=2,name=two`. Throws `OptionError` for a field that is none, or a name that is there twice. */
export function configurationsOf(texts: readonly string[]): Configuration[] {
  if (texts.length === 1) throw new OptionError("--compare is there once; name at least two configurations.");
  if (texts.length > MOST)
    throw new OptionError(`--compare is there ${texts.length} times; at most ${MOST} are compared.`);
  const found = texts.map((text) => {
    const { name = text, ...options } = readFields("--compare", [text]);
    const odd = Object.keys(options).find((field) => !(fields as readonly string[]).includes(field));
    if (odd !== undefined) throw new OptionError(`--compare has no "${odd}"; it takes name, ${fields.join(", ")}.`);
    checkOptions({ device: "cpu", ...options });
    return { name: String(name), options: options as Fields };
  });
  const names = found.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new OptionError(`--compare has "${twice}" twice; give each a name of its own: name=NAME.`);
  return found;
}

/** A configuration of one network: `options` with its own fields over them. */
export function contenderOf(network: Network, options: CpuOptions, { name, options: own }: Configuration): Contender {
  return {
    name,
    async open() {
      const engine = await createCpuEngine(network, { ...options, ...own });
      const input = inputOf(network);
      const last = network.stages.length - 1;
      return { run: () => engine.run(0, last, input), close: () => engine.close() };
    },
  };
}

/** A picture of no meaning, the same in every run. */
export function inputOf({ values, input }: Network): Float32Array {
  const { channels, height, width } = values[input]!;
  return Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(index));
}

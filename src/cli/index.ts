import { parseArgs } from "node:util";
import { unknown } from "../base/nearest.js";
import { packageVersion } from "../base/version.js";
import { OptionError, ResnetEdgeError } from "../errors.js";
import { stayAwake } from "../host/stay-awake.js";
import { bench } from "./bench/index.js";
import { check } from "./check.js";
import { classify } from "./classify.js";
import { convert } from "./convert.js";
import { embed } from "./embed.js";
import { explain } from "./explain.js";
import { inspect } from "./inspect.js";
import { type CommandName, checkOptions, type Options, optionTypes } from "./options.js";
import { complain, reason, say, watchOutput } from "./out.js";
import { pull } from "./pull.js";
import { quantize } from "./quantize.js";
import { teach } from "./teach.js";
import { helpOf, usage } from "./usage.js";

const commands: Readonly<Record<CommandName, (names: string[], options: Options) => Promise<number>>> = {
  classify,
  inspect,
  check,
  quantize,
  convert,
  bench,
  embed,
  explain,
  teach,
  pull,
};

/** Runs one command; the result is the exit status: 0, 1 where something failed, 2 where the usage was wrong. */
async function main(words: string[]): Promise<number> {
  let parsed: { values: Options; positionals: string[] };
  try {
    parsed = parseArgs({ args: words, options: optionTypes, allowPositionals: true }) as typeof parsed;
  } catch (error) {
    return misused(misread(error as NodeJS.ErrnoException));
  }
  const { values, positionals } = parsed;
  const [name, ...rest] = positionals;
  if (values.version) {
    say(packageVersion);
    return 0;
  }
  if (values.help || name === "help") {
    const topic = name === "help" ? rest[0] : name;
    if (topic !== undefined && !Object.hasOwn(commands, topic)) {
      return misused(unfamiliar("command", topic, Object.keys(commands)));
    }
    process.stdout.write(topic === undefined ? usage : helpOf(topic as CommandName));
    return 0;
  }
  if (name === undefined) return misused(`no command; there are ${Object.keys(commands).join(", ")}.`);
  // Not `constructor`, which every object has.
  if (!Object.hasOwn(commands, name)) return misused(unfamiliar("command", name, [...Object.keys(commands), "help"]));
  try {
    checkOptions(name as CommandName, values);
    return await commands[name as CommandName](rest, values);
  } catch (error) {
    if (error instanceof OptionError) return misused(error.message);
    report(error, values.debug === true);
    return 1;
  }
}

/** What `parseArgs` says of flags, with the nearest one that there is. */
function misread({ code, message }: NodeJS.ErrnoException): string {
  const [, flag] = /'--?([^'\s]*)/.exec(message) ?? [];
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" && flag !== undefined) {
    const flags = Object.keys(optionTypes).map((it) => `--${it}`);
    return unfamiliar("option", `--${flag}`, flags);
  }
  return message;
}

const unfamiliar = (...words: Parameters<typeof unknown>) =>
  unknown(...words).message.replace("There is no", "unknown");

function misused(why: string): number {
  complain(`resnet-edge: ${why} See resnet-edge help.`);
  return 2;
}

function report(error: unknown, debug: boolean): void {
  const { name, message } = reason(error);
  complain(`resnet-edge: ${name}: ${message}`);
  if (debug) for (const line of String((error as Error).stack).split("\n")) complain(line);
  else if (!(error instanceof ResnetEdgeError)) {
    complain("This is not an error that was foreseen; --debug shows where it arose.");
  }
}

watchOutput();
process.exitCode = await stayAwake(main(process.argv.slice(2)));

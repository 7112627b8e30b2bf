import { parseArgs } from "node:util";
import { OptionError, ResnetEdgeError } from "../errors.js";
import { bench } from "./bench.js";
import { classify } from "./classify.js";
import { inspect } from "./inspect.js";
import { type Options, optionTypes } from "./options.js";
import { pull } from "./pull.js";
import { usage } from "./usage.js";

const commands: Readonly<Record<string, (names: string[], options: Options) => Promise<number>>> = {
  classify,
  inspect,
  bench,
  pull,
};

/** Runs one command; the result is the exit status: 0, 1 where something failed, 2 where the usage was wrong. */
async function main(words: string[]): Promise<number> {
  let parsed: { values: Options; positionals: string[] };
  try {
    parsed = parseArgs({ args: words, options: optionTypes, allowPositionals: true }) as typeof parsed;
  } catch (error) {
    return misused((error as Error).message);
  }
  const { values, positionals } = parsed;
  const [name, ...rest] = positionals;
  if (values.help || name === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const command = name === undefined ? undefined : commands[name];
  if (!command) return misused(name === undefined ? "no command" : `unknown command "${name}"`);
  try {
    return await command(rest, values);
  } catch (error) {
    if (error instanceof OptionError) return misused(error.message);
    report(error, values.debug === true);
    return 1;
  }
}

function misused(reason: string): number {
  process.stderr.write(`resnet-edge: ${reason}\n\n${usage}`);
  return 2;
}

function report(error: unknown, debug: boolean): void {
  const { name, message, stack } = error as Error;
  const foreign = !(error instanceof ResnetEdgeError);
  process.stderr.write(`resnet-edge: ${name}: ${message}\n`);
  if (debug) process.stderr.write(`${stack}\n`);
  else if (foreign) process.stderr.write("This is not an error that was foreseen; --debug shows where it arose.\n");
}

// A reader that closes the pipe early (head) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));

import { shown } from "../base/shown.js";

/** A terminal of 80 by 24, once over: no message is worth more. */
const SCREEN = 1920;

// All that the command writes goes through here: what strangers named is shown, not obeyed.

/** One line of text. */
export function say(line: string): void {
  process.stdout.write(`${shown(line)}\n`);
}

/** One line of JSON. What JSON leaves as it is, but a terminal would obey, becomes an escape. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value));
}

/** One line beside the results, cut to a screen. */
export function complain(line: string): void {
  const text = shown(line);
  process.stderr.write(`${text.length > SCREEN ? `${text.slice(0, SCREEN)}...` : text}\n`);
}

/** Name and message of whatever was thrown. */
export function reason(error: unknown): { name: string; message: string } {
  const isError = typeof error === "object" && error !== null && "message" in error;
  const { name, message } = (isError ? error : new Error(String(error))) as Error;
  return { name: String(name), message: String(message) };
}

/** A reader that closes the pipe early (head) is no failure; a disk that is full is one. */
export function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    complain(`resnet-edge: the results could not be written: ${error.message}`);
    process.exit(1);
  });
  process.stderr.on("error", () => process.exit(1));
}

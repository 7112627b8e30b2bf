import { shown } from "../base/shown.js";

/** One line that is rewritten on a terminal, and nothing at all in a pipe. */
export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return;
  // A line that wraps could not be rewritten.
  const line = shown(text).slice(0, (process.stderr.columns || 80) - 1);
  process.stderr.write(`\r\x1b[2K${line}`);
}

/** One line that is rewritten on a terminal, and nothing at all in a pipe. */
export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(text ? `\r\x1b[2K${text}` : "\r\x1b[2K");
}

import { type ChildProcess, spawn } from "node:child_process";
import { root } from "../built.js";

export interface Server {
  readonly origin: string;
  /** What it has written to stderr: violations of the page's policy. */
  readonly complaints: string[];
  stop(): void;
}

/** `npm run bench:page` as it is, with more words. */
export async function serve(...words: string[]): Promise<Server> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["scripts/bench-page.mjs", "--no-open", "--port", "0", ...words],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  const complaints: string[] = [];
  child.stderr!.on("data", (text) => complaints.push(String(text)));
  let said = "";
  const origin = await new Promise<string>((resolve, reject) => {
    child.stdout!.on("data", (text) => {
      said += text;
      const found = /bench page: (\S+)/.exec(said);
      if (found) resolve(found[1]!);
    });
    child.on("exit", () => reject(new Error(`it ended: ${said} ${complaints.join("")}`)));
  });
  return { origin, complaints, stop: () => child.kill() };
}

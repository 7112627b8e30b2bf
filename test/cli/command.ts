import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { root } from "../built.js";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a user runs it: a process of its own, its output in pipes. */
export function command(...parameters: string[]): Promise<Result> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("bin/resnet-edge.js", root)), ...parameters], {
    cwd: fileURLToPath(root),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export const lines = ({ stdout }: Result) => stdout.trimEnd().split("\n");

// What the hosts' tests need from npm, in a folder of their own that git does not see.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
export const modules = join(here, "node_modules");

export function installHosts() {
  if (["next", "node-26", "node-arm64", "bun", "vitest"].every((name) => existsSync(join(modules, name)))) return;
  // Forced: Node for ARM is for another processor than this one.
  const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--force"];
  execFileSync("npm", ["install", ...flags], { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
}

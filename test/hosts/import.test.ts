import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { root } from "../built.js";

const dist = new URL("dist/", root);

/** A file and all that it imports, now or later. */
function reachable(first: string): string[] {
  const found = [first];
  for (const name of found) {
    const text = readFileSync(new URL(name, dist), "utf8");
    const names = readdirSync(dist).filter((it) => /^(shared|chunk)-/.test(it) && text.includes(it));
    found.push(...names.filter((it) => !found.includes(it)));
  }
  return found;
}

test.each(["worker.js", "thread.js", "node-worker.js", "node-thread.js"])("nothing of %s names a worker", (entry) => {
  for (const name of reachable(entry)) {
    expect(readFileSync(new URL(name, dist), "utf8"), name).not.toMatch(/["'`]\.\/(node-)?worker\.js["'`]/);
  }
});

test.each(["index.js", "page.js", "service-worker.js"])(
  "%s does nothing in a classic script, in no host at all",
  async (entry) => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL(entry, dist))],
      bundle: true,
      format: "iife",
      globalName: "library",
      write: false,
      logLevel: "silent",
    });
    const type = runInNewContext(`${outputFiles[0]!.text}; typeof library.loadClassifier`, {});
    expect(type).toBe("function");
  },
);

// Builds the fleet's command, and runs it: npm run fleet -- produce|work ...
import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./site.mjs";

export const buildFleet = () => bundleFleet("examples/fleet/fleet.ts");

/** A program in one file within this package, so that what it imports from packages is found. */
export async function bundleFleet(source) {
  const outfile = join(root, "examples/fleet/dist", basename(source).replace(/ts$/, "js"));
  await build({
    entryPoints: [join(root, source)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    // The library is a package here, whatever path the type checker has for it.
    tsconfigRaw: {},
    logLevel: "warning",
  });
  return outfile;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const child = spawn(process.execPath, [await buildFleet(), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl+C to the child too, and a second one would end the shard that it works on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code) => process.exit(code ?? 1));
}

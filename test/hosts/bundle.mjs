// A file of tests as one script, for hosts in which Vitest does not run.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { modules } from "./install.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where a source lies is told by its own address, not the bundle's. */
const addresses = {
  name: "addresses",
  setup(it) {
    it.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const address = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll("import.meta.url", address), loader: "ts" };
    });
  },
};

/** Bundles a file of tests, with vitest.mjs in place of Vitest, into one that runs them. `alias`: of packages that the host has not. */
export async function bundle(file, out, alias = {}) {
  await build({
    stdin: {
      contents: `import ${JSON.stringify(join(root, file))}; import { runAll } from "vitest"; process.exitCode = (await runAll()) ? 1 : 0; process.exit();`,
      resolveDir: root,
      loader: "js",
    },
    bundle: true,
    // The package says that its modules have no side effects; its tests have.
    ignoreAnnotations: true,
    platform: "node",
    format: "esm",
    target: "node24",
    outfile: out,
    alias: { vitest: join(here, "arm/vitest.mjs"), ...alias },
    nodePaths: [modules],
    plugins: [addresses],
    define: { KERNELS_VERSION: '"arm"' },
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname;',
    },
    logLevel: "error",
  });
}

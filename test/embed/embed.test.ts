import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyLibrary } from "../../scripts/site.mjs";
import { launch, noChromium } from "../browser/chromium.js";
import { watchPhotograph } from "../browser/watched.js";
import { root } from "../built.js";
import { until } from "../kiosk/open.js";
import { host } from "./site.js";

const here = fileURLToPath(new URL("test/embed/", root));
const run = promisify(execFile);
/**
 * Of the bundled model, whose integers take 10 KB of kernels and code. A service worker computes in float; its one file has the GPU path
 * in it, and the readers of every format: it may import nothing later.
 */
const budgetOf = (recipe: string) => (recipe === "service-worker" ? 98 : 68) * 1024;

/** As a user's project has it: the package under node_modules. */
async function install(): Promise<void> {
  const bundlers = ["vite", "webpack", "webpack-cli"].every((name) => existsSync(join(here, "node_modules", name)));
  if (!bundlers) execFileSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"], { cwd: here });
  await mkdir(join(here, "node_modules"), { recursive: true });
  await symlink(fileURLToPath(root), join(here, "node_modules/resnet-edge"), "dir").catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
}

const output = () => mkdtemp(join(tmpdir(), "embed-"));
const withPage = (folder: string) => copyFile(join(here, "page.html"), join(folder, "index.html"));

/** Each recipe: how its site is built into a folder. The commands are those of docs/embedding.md. */
const recipes: Record<string, (folder: string) => Promise<void>> = {
  async script(folder) {
    await cp(join(here, "script"), folder, { recursive: true });
    await copyLibrary(join(folder, "resnet-edge"));
    await withPage(folder);
  },
  async worker(folder) {
    await cp(join(here, "worker"), folder, { recursive: true });
    await copyLibrary(join(folder, "resnet-edge"));
    await withPage(folder);
  },
  async "service-worker"(folder) {
    await cp(join(here, "service-worker"), folder, { recursive: true });
    await copyLibrary(join(folder, "resnet-edge"));
    await withPage(folder);
  },
  async esbuild(folder) {
    const main = join(here, "esbuild/main.js");
    await build({
      entryPoints: [main],
      bundle: true,
      splitting: true,
      tsconfigRaw: {},
      format: "esm",
      minify: true,
      outdir: folder,
    });
    // Beside the bundle lies what the library starts and fetches: workers, kernels, the model.
    await copyLibrary(folder);
    await withPage(folder);
  },
  async vite(folder) {
    await run(join(here, "node_modules/.bin/vite"), ["build", "--outDir", folder, "--emptyOutDir"], {
      cwd: join(here, "vite"),
    });
  },
  async webpack(folder) {
    await run(join(here, "node_modules/.bin/webpack"), ["--output-path", folder], { cwd: join(here, "webpack") });
    await withPage(folder);
  },
  async ssr(folder) {
    const { stdout } = await run(process.execPath, [join(here, "ssr/server.js")]);
    await writeFile(join(folder, "index.html"), stdout);
    const main = join(here, "ssr/main.js");
    await build({
      entryPoints: [main],
      bundle: true,
      splitting: true,
      tsconfigRaw: {},
      format: "esm",
      minify: true,
      outdir: folder,
    });
    await copyLibrary(folder);
  },
};

describe.skipIf(noChromium)(`recipes of the embedding guide${noChromium}`, { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    await install();
    browser = await launch();
  }, 240_000);
  afterAll(() => browser?.close());

  async function classifies(address: string, then?: (page: Page) => Promise<void>): Promise<string> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(address);
    const title = await until(
      () => page.title(),
      (it) => it.startsWith("cat") || complaints.some((text) => !/404/.test(text)),
    );
    await then?.(page);
    expect(complaints.filter((text) => !/404/.test(text))).toEqual([]);
    await page.close();
    return title;
  }

  test.each(Object.keys(recipes))("%s: built, run, within the budget", async (name) => {
    const folder = await output();
    await recipes[name]!(folder);
    const site = await host(folder);
    let bytes = 0;
    const title = await classifies(site.origin, async (page) => {
      bytes = await site.bytes();
      if (name !== "vite" && name !== "webpack") return;
      const { expected, answers, crops } = await page.evaluate(watchPhotograph, "/photo.jpg");
      expect(crops).toBeGreaterThan(3);
      expect(expected[0]!.label).toBe("cat");
      for (const scores of answers) expect(scores).toEqual(expected);
    });
    site.close();
    console.log(`${name}: ${(bytes / 1024).toFixed(1)} KB gzip of scripts and kernels; ${title}`);
    expect(title).toMatch(/^cat/);
    // In a worker of its own, where there can be one and it was not declined.
    if (name !== "service-worker") expect(title).not.toMatch(/in place/);
    expect(bytes).toBeLessThanOrEqual(budgetOf(name));
  });

  test("vite's dev server", async () => {
    const { createServer } = (await import(pathToFileURL(join(here, "node_modules/vite/dist/node/index.js")).href)) as {
      createServer(options: object): Promise<{
        listen(): Promise<unknown>;
        close(): Promise<void>;
        resolvedUrls: { local: string[] };
        middlewares: {
          use(path: string, answer: (request: unknown, response: { end(body: Buffer): void }) => void): void;
        };
      }>;
    };
    const { readFile } = await import("node:fs/promises");
    const photo = await readFile(new URL("examples/photos/cat.jpg", root));
    const server = await createServer({
      root: join(here, "vite"),
      logLevel: "error",
      cacheDir: await output(),
      server: { port: 0, host: "127.0.0.1", fs: { allow: [fileURLToPath(root)] } },
      plugins: [
        {
          name: "photo",
          configureServer(it: typeof server) {
            it.middlewares.use("/photo.jpg", (_, response) => response.end(photo));
          },
        },
      ],
    });
    await server.listen();
    expect(await classifies(server.resolvedUrls.local[0]!)).toMatch(/^cat/);
    await server.close();
  });
});

test("typescript: the types are what the guide says", async () => {
  await install();
  await run(process.execPath, [
    fileURLToPath(new URL("node_modules/typescript/bin/tsc", root)),
    "-p",
    join(here, "typescript"),
  ]);
}, 240_000);

test("the browser's build can be imported where there is no browser", async () => {
  const { stdout } = await run(process.execPath, [
    "--input-type=module",
    "-e",
    `const it = await import(${JSON.stringify(new URL("dist/index.js", root).href)}); console.log(typeof it.loadClassifier)`,
  ]);
  expect(stdout.trim()).toBe("function");
});

test("every recipe has a folder, and every folder is tried", async () => {
  const folders = (await readdir(here, { withFileTypes: true }))
    .filter((it) => it.isDirectory())
    .map(({ name }) => name);
  expect(folders.filter((name) => name !== "node_modules").sort()).toEqual(
    [...Object.keys(recipes), "typescript"].sort(),
  );
});

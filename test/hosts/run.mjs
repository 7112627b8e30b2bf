// npm run test:hosts [-- NAME...]: the package in every host that can be started here, each compared with PyTorch's values.
// One line a host: name, version, right or wrong, milliseconds. Exit 1 where one is wrong; none is passed over in silence.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { wrong } from "./check.mjs";
import { installHosts, modules } from "./install.mjs";
import { shared, site } from "./site.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name) => join(modules, ".bin", name);
const photo = join(root, "examples/photos/cat.jpg");
const model = join(root, "models/cifar110-resnet20x2.int8.safetensors");
/** A host that is not done by then is wrong: a build that runs for ever is one of the faults looked for. */
const LIMIT_MS = 240_000;

/** As a user's project has it: the package under node_modules. */
async function install() {
  installHosts();
  // A copy, for hosts treat what a link leads to as code of the project's own.
  const place = join(modules, "resnet-edge");
  await rm(place, { recursive: true, force: true });
  for (const name of ["package.json", "dist"]) await cp(join(root, name), join(place, name), { recursive: true });
}

/** Output of a command; its end is the host's failure. */
function command(file, args, { cwd = here, env = {}, limit = LIMIT_MS } = {}) {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      env: { ...process.env, ...env },
      timeout: limit,
      killSignal: "SIGKILL",
      maxBuffer: 64 << 20,
    };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      reject(new Error(error.killed ? `not done in ${limit / 1000} s` : `${stderr}\n${stdout}`.trim().slice(-1500)));
    });
  });
}

const lastLine = (text) => JSON.parse(text.trim().split("\n").at(-1));
const version = async (name) => JSON.parse(await readFile(join(modules, name, "package.json"), "utf8")).version;
const folder = () => mkdtemp(join(tmpdir(), "hosts-"));

/** A runtime of JavaScript outside of browsers. */
const runtime = (file, before, versionOf) => async () => {
  const answer = lastLine(await command(file, [...before, join(here, "runtime/main.mjs")]));
  return { version: versionOf ? await versionOf() : (await command(file, ["--version"])).trim(), answer };
};

/** jsdom 31 wants a newer Node than this one may be. */
const recent = join(modules, "node-24/bin/node");

const jest = (environment) => async () => {
  const args = ["--experimental-vm-modules", "--no-warnings", join(modules, "jest/bin/jest.js"), "--config"];
  await command(recent, [...args, join(here, `jest/${environment}.config.mjs`)], {
    env: { RESNET_EDGE_ROOT: root },
  });
  return { version: await version("jest"), answer: null };
};

const vitest = (environment) => async () => {
  const args = [
    join(modules, "vitest/vitest.mjs"),
    "run",
    "--root",
    join(here, "vitest"),
    "--environment",
    environment,
  ];
  await command(recent, args, { env: { RESNET_EDGE_ROOT: root } });
  return { version: await version("vitest"), answer: null };
};

async function workerd() {
  const { build } = await import("esbuild");
  const { Miniflare } = await import(pathToFileURL(join(modules, "miniflare/dist/src/index.js")).href);
  const out = await folder();
  await build({
    entryPoints: [join(here, "workerd/main.js")],
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser", "module"],
    external: ["./cpu-int8-baseline.wasm", "./model.bin"],
    outfile: join(out, "main.js"),
    tsconfigRaw: {},
    logLevel: "error",
  });
  const contents = async (file) => new Uint8Array(await readFile(file));
  const server = new Miniflare({
    compatibilityDate: "2025-11-01",
    modulesRoot: out,
    modules: [
      { type: "ESModule", path: join(out, "main.js"), contents: await readFile(join(out, "main.js"), "utf8") },
      {
        type: "CompiledWasm",
        path: join(out, "cpu-int8-baseline.wasm"),
        contents: await contents(join(root, "dist/cpu-int8-baseline.wasm")),
      },
      { type: "Data", path: join(out, "model.bin"), contents: await contents(model) },
    ],
  });
  try {
    const response = await server.dispatchFetch("http://localhost/");
    const text = await response.text();
    if (!response.ok) throw new Error(text.slice(0, 1500));
    return { version: await version("workerd"), answer: JSON.parse(text) };
  } finally {
    await server.dispose();
  }
}

const executable = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find(
  (it) => it && existsSync(it),
);

/** What a page says, in Chromium. */
async function inPage(address, ask) {
  if (!executable) throw new Error("no Chromium: install Debian's package chromium, or set CHROMIUM to its path");
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(address);
    return await ask(page);
  } finally {
    await browser.close();
  }
}

const html = (script) => Buffer.from(`<!doctype html><title>host</title>${script}`);

async function classic() {
  const { build } = await import("esbuild");
  const out = await folder();
  await build({
    entryPoints: [join(here, "classic/main.js")],
    bundle: true,
    format: "iife",
    outfile: join(out, "main.js"),
    tsconfigRaw: {},
    logLevel: "error",
  });
  const page = html('<script src="/main.js"></script>');
  const served = await site((path) =>
    path === "/" ? page : path === "/main.js" ? join(out, "main.js") : shared(path),
  );
  try {
    const [lost, answer] = await inPage(`http://127.0.0.1:${served.port}/`, (it) =>
      it.evaluate("Promise.all([window.lost, window.answer])"),
    );
    if (!/options wasm and worker/.test(lost?.message)) throw new Error(`without options: ${JSON.stringify(lost)}`);
    if (/in place/.test(answer.reason)) throw new Error(answer.reason);
    return { version: (await import("esbuild")).version, answer };
  } finally {
    served.close();
  }
}

/** The library on another origin, as on a CDN, of a page with or without isolation. */
const elsewhere = (isolated) => async () => {
  const allowed = { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };
  const cdn = await site(shared, allowed);
  const script = `import * as library from "http://localhost:${cdn.port}/resnet-edge/index.js";
    import { probe } from "/probe.js";
    window.answer = fetch("/photo.jpg").then((it) => it.blob()).then((photo) => probe(library, { photo }));`;
  const page = html(`<script type="module">${script}</script>`);
  const headers = isolated
    ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
    : {};
  const files = (path) => (path === "/" ? page : path === "/probe.js" ? join(here, "probe.js") : shared(path));
  const own = await site(files, headers);
  try {
    return await inPage(`http://127.0.0.1:${own.port}/`, async (it) => {
      const answer = await it.evaluate("window.answer");
      if (/in place/.test(answer.reason)) throw new Error(answer.reason);
      return { version: it.context().browser().version(), answer };
    });
  } finally {
    own.close();
    cdn.close();
  }
};

const next = (bundler) => {
  const app = join(here, "next");
  const out = `.next-${bundler}`;
  let built = null;
  const build = () => {
    built ??= rm(join(app, out), { recursive: true, force: true }).then(() =>
      command(bin("next"), ["build", app, `--${bundler}`], { env: { NEXT_OUT: out, NEXT_TELEMETRY_DISABLED: "1" } }),
    );
    return built;
  };
  const served = async (ask) => {
    await build();
    const env = { ...process.env, NEXT_OUT: out, NEXT_TELEMETRY_DISABLED: "1", RESNET_EDGE_PHOTO: photo };
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const server = spawn(process.execPath, [join(modules, "next/dist/bin/next"), "start", app, "-p", port], { env });
    try {
      const origin = `http://127.0.0.1:${port}`;
      for (let tries = 0; !(await fetch(origin).catch(() => null)); tries++) {
        if (tries > 200) throw new Error("next start does not answer");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return { version: await version("next"), answer: await ask(origin) };
    } finally {
      server.kill("SIGKILL");
    }
  };
  const parse = (text) => JSON.parse(text.replaceAll("&quot;", '"'));
  return {
    [`next ${bundler}, client`]: () =>
      served((origin) =>
        inPage(`${origin}/client`, async (page) => {
          await page.waitForFunction("document.querySelector('#answer')?.textContent");
          return JSON.parse(await page.evaluate("document.querySelector('#answer').textContent"));
        }),
      ),
    [`next ${bundler}, route`]: () =>
      served(async (origin) => {
        const text = await (await fetch(`${origin}/answer`)).text();
        return parse(text);
      }),
    [`next ${bundler}, server component`]: () =>
      served(async (origin) => {
        const text = await (await fetch(`${origin}/server`)).text();
        return parse(/<pre id="answer">(.*?)<\/pre>/s.exec(text)?.[1] ?? `"${text.slice(0, 200)}"`);
      }),
  };
};

/** GPU kernels and networks against their references on Deno's WebGPU, which is wgpu; on SwiftShader unless RESNET_EDGE_GPU is set. */
async function denoGpu() {
  const { bundle } = await import("./bundle.mjs");
  const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
  const env = process.env.RESNET_EDGE_GPU ? {} : { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
  const out = await folder();
  const counts = [];
  for (const file of ["operations", "networks"]) {
    const script = join(out, `${file}.mjs`);
    await bundle(`test/gpu/${file}.test.ts`, script, { webgpu: join(here, "runtime/webgpu.mjs") });
    const text = await command(bin("deno"), ["run", "--quiet", "-A", "--unstable-webgpu", script], {
      env,
      limit: 3 * LIMIT_MS,
    });
    const { passed } = lastLine(text);
    if (passed === 0) throw new Error(text.slice(-500));
    counts.push(`${passed} ${file}`);
  }
  return { version: `${await version("deno")} ${counts.join(", ")}`, answer: null };
}

const node = (name) => ({ [`node ${name}`]: runtime(join(modules, `node-${name}/bin/node`), []) });

const hosts = {
  ...node("20.10"),
  ...node("22"),
  ...node("24"),
  ...node("26"),
  bun: runtime(bin("bun"), [], () => version("bun")),
  deno: runtime(
    bin("deno"),
    ["run", "--quiet", "--no-lock", "--allow-read", "--allow-env", "--allow-sys", "--allow-ffi"],
    () => version("deno"),
  ),
  "deno gpu": denoGpu,
  "jest node": jest("node"),
  "jest jsdom": jest("jsdom"),
  "vitest node": vitest("node"),
  "vitest jsdom": vitest("jsdom"),
  "vitest happy-dom": vitest("happy-dom"),
  workerd,
  "classic script": classic,
  "library elsewhere": elsewhere(false),
  "library elsewhere, isolated": elsewhere(true),
  ...next("turbopack"),
  ...next("webpack"),
};

await install();
const named = process.argv.slice(2);
let failures = 0;
for (const [name, run] of Object.entries(hosts)) {
  if (named.length > 0 && !named.some((it) => name.includes(it))) continue;
  const start = performance.now();
  let line;
  try {
    const { version, answer } = await run();
    const why = answer === null ? null : wrong(answer);
    if (why) failures++;
    line = `${version.split("\n")[0].padEnd(18)} ${why ? `WRONG: ${why}` : "right"}${answer?.reason ? `  (${answer.reason})` : ""}`;
  } catch (error) {
    failures++;
    line = `WRONG: ${error.message}`;
  }
  console.log(`${name.padEnd(32)} ${line}  ${Math.round(performance.now() - start)} ms`);
}
process.exit(failures ? 1 : 0);

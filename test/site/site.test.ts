import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPlayground } from "../../scripts/playground.mjs";
import { serve } from "../../scripts/serve.mjs";
import { launch, noChromium } from "../browser/chromium.js";
import { sideways } from "../browser/layout.js";
import { sizes } from "../browser/sizes.js";
import { library, root } from "../built.js";
import { text, until } from "../kiosk/open.js";
import { notFull } from "../not-full.js";

const photo = (name: string) => fileURLToPath(new URL(`examples/photos/${name}`, root));
const axe = fileURLToPath(new URL("node_modules/axe-core/axe.min.js", root));

/** Where `npm run screenshots` wants pictures of each size. */
const screenshots = process.env.SCREENSHOTS;

/** A phone of old and a desk; all of them with npm run test:full. */
const tried = process.env.FULL || screenshots ? sizes : sizes.filter(([width]) => width === 320 || width === 1920);

let folder: string;
let server: { port: number; close(): void };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "site-"));
  await buildPlayground(folder);
  // No headers of ours: a plain static host.
  server = await serve({ folder, port: 0 });
});

afterAll(async () => {
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

test("every link of the docs leads to a page of the site that is there, or away from it", async () => {
  const pages = (await readdir(join(folder, "docs"))).filter((name) => name.endsWith(".html"));
  expect(pages).toContain("index.html");
  const ids = new Map<string, Set<string>>();
  for (const page of pages) {
    const html = await readFile(join(folder, "docs", page), "utf8");
    ids.set(page, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)));
  }
  for (const page of pages) {
    const html = await readFile(join(folder, "docs", page), "utf8");
    for (const [, address] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(address!)) continue;
      const [path, hash] = address!.split("#");
      const target = path === "" ? page : path!;
      const file = target.endsWith("/") ? `${target}index.html` : target;
      await expect(stat(join(folder, "docs", file)), `${address} of ${page}`).resolves.toBeTruthy();
      if (hash) expect(ids.get(file)?.has(hash), `${address} of ${page}`).toBe(true);
    }
  }
});

describe.skipIf(noChromium)(`the playground in Chromium${noChromium}`, () => {
  let browser: Browser;
  const errors: string[] = [];
  const home = () => `http://127.0.0.1:${server.port}/`;

  async function open(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(home());
    return page;
  }

  const answered = (page: Page, wanted: string) =>
    until(
      () => text(page, "label"),
      (label) => label === wanted,
      30_000,
    );

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(await readFile(axe, "utf8"));
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    });
  }

  beforeAll(async () => {
    browser = await launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
  });

  afterAll(async () => {
    await browser?.close();
  });

  test("the first example is answered without a click, as the library does; a click answers another", async () => {
    const classifier = await library.loadClassifier();
    const [cat] = await classifier.classify(photo("cat.jpg"));
    const [rocket] = await classifier.classify(photo("rocket.jpg"));
    await classifier.close();
    const page = await open();
    await answered(page, cat!.label);
    await page.getByRole("button", { name: "Rocket" }).click();
    await answered(page, rocket!.label);
    expect(await page.locator("#bars .score").first().textContent()).toBe(`${(100 * rocket!.score).toFixed(0)} %`);
    expect(await text(page, "where")).toMatch(/^CPU/);
    await page.context().close();
  });

  test("until the first answer nothing else is fetched, and no module waits for another", async () => {
    const html = await readFile(join(folder, "index.html"), "utf8");
    const preloads = [...html.matchAll(/<link rel="modulepreload" href="([^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(preloads).toContain("/lib/worker.js");
    const page = await (await browser.newContext()).newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    // Runs in the page, before it: keeps whether a service worker, which fetches the whole site, came before the answer.
    await page.addInitScript(() => {
      const scope = globalThis as unknown as { early?: boolean };
      const container = navigator.serviceWorker;
      const register = container.register.bind(container);
      container.register = (...given) => {
        scope.early = document.querySelector("#bars li") === null;
        return register(...given);
      };
    });
    await page.goto(home());
    await answered(page, "cat");
    const early = () => page.evaluate(() => (globalThis as unknown as { early?: boolean }).early);
    expect(await until(early, (it) => it !== undefined)).toBe(false);
    const model = asked.findIndex((path) => path.endsWith(".safetensors"));
    expect(model).toBeGreaterThan(0);
    expect(asked.slice(0, model).filter((path) => /^\/lib\/.*\.js$/.test(path) && !preloads.includes(path))).toEqual(
      [],
    );
    expect(asked.slice(0, model).filter((path) => /^\/docs\/|\.css$/.test(path))).toEqual([]);
    for (const path of preloads) expect(asked).toContain(path);
    await page.context().close();
  });

  test("from the second visit on the page is isolated, and it works without a network", async () => {
    const page = await open();
    await answered(page, "cat");
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await until(
      () => page.evaluate(() => navigator.serviceWorker.controller !== null),
      (it) => it,
    );
    await page.context().setOffline(true);
    await page.reload();
    await answered(page, "cat");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.goto(`${home()}docs/api.html`);
    expect(await page.title()).toBe("API: resnet-edge");
    await page.context().close();
  });

  test("another model and its labels; what is no model, and what is no picture, is said, and the page goes on", async () => {
    const page = await open();
    await answered(page, "cat");
    const trouble = () => text(page, "trouble");
    await page.setInputFiles("#model-file", {
      name: "x.safetensors",
      mimeType: "",
      buffer: Buffer.from("not a model"),
    });
    await until(trouble, (said) => /weights|safetensors|model/i.test(said));
    await page.setInputFiles("#file", { name: "x.jpg", mimeType: "image/jpeg", buffer: Buffer.from("not a picture") });
    await until(trouble, (said) => /picture|image|JPEG/i.test(said));
    expect(await text(page, "label")).toBe("No answer");
    expect(await violations(page)).toEqual([]);
    await page.setInputFiles("#file", photo("cat.jpg"));
    await answered(page, "cat");
    const model = fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root));
    await page.setInputFiles("#model-file", model);
    await until(
      () => text(page, "model-name"),
      (name) => name === "cifar10-resnet20.safetensors, 10 classes",
    );
    const lines = Array.from({ length: 10 }, (_, index) => `thing ${index}`).join("\n");
    await page.setInputFiles("#labels-file", {
      name: "labels.txt",
      mimeType: "text/plain",
      buffer: Buffer.from(lines),
    });
    await answered(page, "thing 3");
    await page.getByRole("button", { name: "The one that comes along" }).click();
    await answered(page, "cat");
    await page.context().close();
  });

  test("taught two classes, it answers by them, and axe finds nothing", async () => {
    const page = await open();
    await answered(page, "cat");
    for (const [index, name] of ["cat", "horse"].entries()) {
      await page.fill("#class-name", `my ${name}`);
      await page.keyboard.press("Enter");
      const one = photo(name === "cat" ? "cat.jpg" : "horse.png");
      await page.setInputFiles(`#classes li:nth-child(${index + 1}) input`, [one, one]);
    }
    await until(
      () => text(page, "classes"),
      (said) => /2 pictures.*2 pictures/.test(said),
    );
    await page.click("#train");
    await until(
      () => text(page, "taught"),
      (said) => said.startsWith("Taught"),
      30_000,
    );
    await answered(page, "my cat");
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  // A software GPU compiles its shaders for most of a minute.
  test.skipIf(notFull)(
    `CPU and GPU are compared in turns, on the same picture${notFull}`,
    async () => {
      const page = await open();
      await answered(page, "cat");
      await page.getByRole("button", { name: "Compare" }).click();
      await until(
        () => text(page, "verdict"),
        (said) => /times as fast here|No difference was measured/.test(said),
        60_000,
      );
      const rows = await page.locator("#comparison tbody tr").allTextContents();
      expect(rows).toHaveLength(2);
      for (const row of rows) expect(row).toMatch(/^[CG]PU.*ms.*cat$/);
      // With all that may be open: the heat map, the plan, a class to be taught.
      await page.getByLabel("Show where it sees that").check();
      await page.getByText("Where it runs, and why").click();
      await page.fill("#class-name", "ripe");
      await page.keyboard.press("Enter");
      await page.locator("#heat").waitFor();
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  test.each(tried)(
    "%d x %d, light and dark: nothing is cut or off the screen, and axe finds nothing",
    async (width, height) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await open({ viewport: { width, height }, colorScheme });
        await answered(page, "cat");
        if (screenshots) {
          await mkdir(screenshots, { recursive: true });
          const path = join(screenshots, `playground-${width}x${height}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
        }
        expect(await page.evaluate(sideways)).toEqual([]);
        expect(await violations(page)).toEqual([]);
        await page.goto(`${home()}docs/api.html`);
        expect(await page.evaluate(sideways)).toEqual([]);
        await page.context().close();
      }
    },
  );

  test("axe finds nothing in the docs, light and dark", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open({ colorScheme });
      for (const name of ["index", "api"]) {
        await page.goto(`${home()}docs/${name}.html`);
        expect(await violations(page)).toEqual([]);
      }
      await page.context().close();
    }
  });

  test("the frame lies over what the network sees", async () => {
    const page = await open({ viewport: { width: 1280, height: 900 } });
    await answered(page, "cat");
    const [canvas, frame] = await page.evaluate(() =>
      ["picture", "seen"].map((id) => {
        const { left, top, width, height } = document.getElementById(id)!.getBoundingClientRect();
        return { x: left + width / 2, y: top + height / 2, width, height };
      }),
    );
    expect(Math.abs(frame!.x - canvas!.x)).toBeLessThan(1);
    expect(Math.abs(frame!.y - canvas!.y)).toBeLessThan(1);
    expect(Math.abs(frame!.width - frame!.height)).toBeLessThan(1);
    await page.getByLabel("Show what the network sees").uncheck();
    expect(await page.locator("#seen").isHidden()).toBe(true);
    await page.context().close();
  });

  test("nothing went wrong that nobody was told of", () => {
    expect(errors).toEqual([]);
  });
});

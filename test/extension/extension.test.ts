import { readFileSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page, type Worker } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildExtension } from "../../scripts/extension.mjs";
import { executablePath, flags, noChromium } from "../browser/chromium.js";
import { library, root } from "../built.js";
import { text, until } from "../kiosk/open.js";

const photo = (name: string) => fileURLToPath(new URL(`examples/photos/${name}`, root));

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** What that source leaves in the page. */
declare const axe: typeof import("axe-core");

declare const chrome: {
  contextMenus: { onClicked: { dispatch(info: unknown, tab: unknown): void } };
  storage: { session: { get(key: string): Promise<{ last?: { predictions?: { label: string }[]; error?: string } }> } };
};

describe.skipIf(noChromium)(`the extension in Chromium${noChromium}`, () => {
  let context: BrowserContext;
  let server: Server;
  let site: string;
  let id: string;
  let popup: Page;
  const expected: Record<string, string> = {};
  const complaints: string[] = [];
  let poured = 0;

  const serviceWorker = async (): Promise<Worker> =>
    context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const stopWorker = async () => {
    const session = await context.newCDPSession(popup);
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
  };
  const last = async () => (await (await serviceWorker()).evaluate(() => chrome.storage.session.get("last"))).last;

  beforeAll(async () => {
    const classifier = await library.loadClassifier();
    for (const name of ["cat.jpg", "horse.png"]) expected[name] = (await classifier.classify(photo(name)))[0]!.label;
    await classifier.close();
    server = createServer(async (request, response) => {
      if (request.url === "/") {
        response.setHeader("content-type", "text/html");
        response.end('<!doctype html><img src="/cat.jpg" width="300"><img src="/horse.png" width="300">');
        return;
      }
      response.setHeader("access-control-allow-origin", "*");
      if (request.url === "/endless.png") {
        const piece = Buffer.alloc(1 << 20);
        const more = () => {
          do poured += piece.length;
          while (!response.destroyed && response.write(piece));
        };
        response.on("drain", more);
        more();
        return;
      }
      response.end(await readFile(photo(request.url!.slice(1))).catch(() => "no"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const folder = await buildExtension(join(await mkdtemp(join(tmpdir(), "extension-")), "dist"));
    context = await chromium.launchPersistentContext("", {
      executablePath: executablePath!,
      headless: false,
      args: [
        ...flags,
        "--headless=new",
        `--load-extension=${folder}`,
        `--disable-extensions-except=${folder}`,
        "--disable-features=DisableLoadExtensionCommandLineSwitch",
      ],
    });
    id = new URL((await serviceWorker()).url()).host;
    popup = await context.newPage();
    popup.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await popup.goto(`chrome-extension://${id}/popup.html`);
  });

  afterAll(async () => {
    await context?.close();
    server?.close();
  });

  test("asks for few permissions, and no site's", async () => {
    const manifest = JSON.parse(await readFile(new URL("examples/extension/manifest.json", root), "utf8"));
    expect(manifest.permissions).toEqual(["activeTab", "contextMenus", "scripting", "storage"]);
    expect(manifest.host_permissions).toBeUndefined();
  });

  const rightClick = async (address: string) =>
    (await serviceWorker()).evaluate((srcUrl) => {
      chrome.contextMenus.onClicked.dispatch({ menuItemId: "classify", srcUrl }, {});
    }, address);

  test("a picture on a page, from the context menu's handler", async () => {
    await rightClick(`${site}/cat.jpg`);
    const found = await until(last, (it) => it !== undefined);
    expect(found!.predictions![0]!.label).toBe(expected["cat.jpg"]);
    // The popup was open, and shows it.
    await until(
      () => text(popup, "label"),
      (label) => label === expected["cat.jpg"],
    );
  });

  test("a picture from the popup", async () => {
    await popup.setInputFiles("#file", photo("horse.png"));
    await until(
      () => text(popup, "label"),
      (label) => label === expected["horse.png"],
    );
    expect(await text(popup, "where")).toMatch(/ms on this machine's CPU \(wasm relaxed-simd/);
    expect(await popup.locator("#bars li").count()).toBe(5);
  });

  test("a service worker that was killed in between answers the next one", async () => {
    await stopWorker();
    await popup.setInputFiles("#file", photo("cat.jpg"));
    await until(
      () => text(popup, "label"),
      (label) => label === expected["cat.jpg"],
    );
    await popup.reload();
    await until(
      () => text(popup, "label"),
      (label) => label === expected["cat.jpg"],
    );
  });

  test("what is no picture says so", async () => {
    await popup.setInputFiles("#file", [{ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") }]);
    await until(
      () => text(popup, "reason"),
      (reason) => /no known format/.test(reason),
    );
    expect(await text(popup, "label")).toMatch(/^This is no picture that can be read/);
    await rightClick(`${site}/missing.png`);
    await until(last, (it) => it?.error !== undefined);
  });

  test("a picture without end is given up, and the next one is answered", async () => {
    await rightClick(`${site}/cat.jpg`);
    await until(last, (it) => it?.predictions !== undefined);
    await rightClick(`${site}/endless.png`);
    await until(last, (it) => /cannot be fetched/.test(it?.error ?? ""));
    expect(poured).toBeGreaterThan(30 << 20);
    expect(poured).toBeLessThan(100 << 20);
    expect(await popup.locator("#bars li").count()).toBe(0);
    await rightClick(`${site}/cat.jpg`);
    await until(last, (it) => it?.predictions?.[0]?.label === expected["cat.jpg"]);
  });

  test("it says how much it knows, and its buttons stand apart", async () => {
    const known = await library.loadClassifier();
    await until(
      () => text(popup, "knows"),
      (knows) => knows.startsWith(`It knows ${known.labels!.length} things`),
    );
    await known.close();
    const [left, right] = await popup
      .locator(".buttons > *")
      .evaluateAll((all) => all.map((it) => it.getBoundingClientRect().toJSON()));
    expect(Math.max(right!.left - left!.right, right!.top - left!.bottom)).toBeGreaterThanOrEqual(8);
  });

  test("a model of one's own, with names of one's own; what is none is refused with its reason", async () => {
    const options = await context.newPage();
    options.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await options.goto(`chrome-extension://${id}/options.html`);
    const model = fileURLToPath(new URL("models/cifar10-resnet20.safetensors", root));
    const take = async (name: string, buffer: Buffer, labels: string) => {
      await options.setInputFiles("#model", [{ name, mimeType: "", buffer }]);
      await options.setInputFiles("#labels", [{ name: "l.txt", mimeType: "text/plain", buffer: Buffer.from(labels) }]);
      await options.click("#use");
      await options.locator("#use:enabled").waitFor();
    };
    const names = [
      "an aeroplane",
      "a car",
      "a bird",
      "a cat",
      "a deer",
      "a dog",
      "a frog",
      "a horse",
      "a ship",
      "a lorry",
    ];
    await take("notes.safetensors", Buffer.from("no model"), "a");
    expect(await text(options, "failure")).toMatch(/^This model was not taken\. .*(safetensors|weights)/);
    await take("mine.safetensors", await readFile(model), "one\ntwo");
    expect(await text(options, "failure")).toMatch(/labels/);
    expect(await text(options, "present")).toBe("The bundled model answers.");
    await take("mine.safetensors", await readFile(model), `${names.join("\r\n")}\r\n`);
    expect(await text(options, "present")).toBe("mine.safetensors answers. It knows 10 things.");

    await popup.reload();
    await until(
      () => text(popup, "knows"),
      (knows) => knows === "Your model mine.safetensors knows 10 things.",
    );
    await popup.setInputFiles("#file", photo("horse.png"));
    await until(
      () => text(popup, "label"),
      (label) => names.includes(label),
    );
    // Killed in between, it is there again.
    await stopWorker();
    await popup.setInputFiles("#file", photo("cat.jpg"));
    await until(
      () => text(popup, "label"),
      (label) => names.includes(label),
    );
    await options.click("#forget");
    await until(
      () => text(options, "present"),
      (present) => present === "The bundled model answers.",
    );
    await popup.reload();
    await until(
      () => text(popup, "knows"),
      (knows) => knows.startsWith("It knows"),
    );
    await options.close();
  });

  test.each(["light", "dark"] as const)("axe-core finds nothing in popup and options: %s", async (colorScheme) => {
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme });
    for (const name of ["popup", "options"]) {
      await page.goto(`chrome-extension://${id}/${name}.html`);
      await page.waitForTimeout(200);
      const client = await context.newCDPSession(page);
      await client.send("Runtime.evaluate", { expression: axeSource });
      const found = await page.evaluate(async () => {
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      });
      expect(found).toEqual([]);
    }
    await page.close();
  });

  test("no policy was violated", () => {
    expect(complaints).toEqual([]);
  });
});

import { mkdtemp, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
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
    const session = await context.newCDPSession(popup);
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
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
      () => text(popup, "label"),
      (label) => /no known format/.test(label),
    );
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

  test("no policy was violated", () => {
    expect(complaints).toEqual([]);
  });
});

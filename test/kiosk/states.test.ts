import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { State } from "../../examples/kiosk/states.js";
import { noChromium } from "../browser/chromium.js";
import { kioskFaults } from "../browser/layout.js";
import { sizes } from "../browser/sizes.js";
import { root } from "../built.js";
import { type Kiosk, openKiosk, text, until } from "./open.js";

const photo = (name: string) => fileURLToPath(new URL(`examples/photos/${name}`, root));
const axe = readFile(new URL("node_modules/axe-core/axe.min.js", root), "utf8");

/** Where `npm run screenshots` wants pictures of every state. */
const screenshots = process.env.SCREENSHOTS;

/** A camera as the page's address names it: what the browser's own fake one cannot be. Runs in the page, before it. */
function fakeCamera(): void {
  const kind = new URLSearchParams(location.search).get("camera");
  const scope = globalThis as unknown as { unplugged?: boolean };
  const media = navigator.mediaDevices;
  if (!media) return;
  const real = media.getUserMedia.bind(media);
  const refused = (name: string) => Promise.reject(new DOMException("refused by the test", name));
  media.getUserMedia = (asked) => {
    if (scope.unplugged) return refused("NotFoundError");
    if (kind === "denied") return refused("NotAllowedError");
    if (kind === "missing") return refused("NotFoundError");
    return kind === "asking" || kind === "opening" ? new Promise(() => {}) : real(asked);
  };
  const state = kind === "asking" ? "prompt" : "granted";
  navigator.permissions.query = async () => ({ state }) as PermissionStatus;
}

/** What assistive technology is given: a line for each node that is not ignored. */
async function readTree(client: CDPSession): Promise<string[]> {
  const { nodes } = await client.send("Accessibility.getFullAXTree");
  return nodes
    .filter(({ ignored, role }) => !ignored && role)
    .map(({ role, name, value }) => `${role!.value} ${name?.value ?? ""} ${value?.value ?? ""}`.trim());
}

describe.skipIf(noChromium)(`the kiosk's states in Chromium${noChromium}`, () => {
  let it: Kiosk;
  const errors: string[] = [];

  beforeAll(async () => {
    it = await openKiosk("cat.jpg");
    if (screenshots) await mkdir(screenshots, { recursive: true });
  });

  afterAll(async () => {
    await it?.browser.close();
    it?.server.close();
  });

  interface Opened {
    readonly context: BrowserContext;
    readonly page: Page;
    readonly client: CDPSession;
  }

  /** `prepare`: before the page is opened. */
  async function open(camera = "", prepare: (opened: Opened) => Promise<unknown> = async () => {}): Promise<Opened> {
    // Without a service worker: what one test kept is not another's.
    const context = await it.browser.newContext({ serviceWorkers: "block", acceptDownloads: true });
    await context.addInitScript(fakeCamera);
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    const client = await context.newCDPSession(page);
    await prepare({ context, page, client });
    await page.goto(`${it.server.origin}/?camera=${camera}`);
    return { context, page, client };
  }

  const reaches = (page: Page, state: State) =>
    until(
      () => page.evaluate(() => document.getElementById("main")!.dataset.state),
      (found) => found === state,
    );

  const says = (page: Page, id: string, wanted: RegExp) =>
    until(
      () => text(page, id),
      (found) => wanted.test(found),
    );

  async function settings(page: Page): Promise<void> {
    await page.evaluate(() => {
      location.hash = "#operator";
    });
    await page.locator("#operator-close").waitFor();
  }

  /** Every size, light and dark: nothing is cut, and axe finds nothing. */
  async function look({ page, client }: Opened, name: string): Promise<void> {
    await client.send("Runtime.evaluate", { expression: await axe });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const [width, height] of sizes) {
        // Colours do not change a layout.
        if (colorScheme === "dark" && !screenshots) break;
        await page.setViewportSize({ width, height });
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        if (screenshots) {
          const path = join(screenshots, `${name}-${width}x${height}-${colorScheme}.png`);
          await page.screenshot({ path });
        }
        expect(await page.evaluate(kioskFaults), `${name}, ${width} x ${height}`).toEqual([]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      const only = colorScheme === "dark" ? '{ runOnly: ["color-contrast"] }' : "{}";
      const { result } = await client.send("Runtime.evaluate", {
        expression: `axe.run(${only}).then((it) => JSON.stringify(it.violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)])))`,
        awaitPromise: true,
      });
      expect(JSON.parse(result.value), `${name}, ${colorScheme}`).toEqual([]);
    }
  }

  /** A state is reached, its heading and words are in the tree, and so is what a screen reader is told of it. */
  async function shows(opened: Opened, state: State, heading: string, words: RegExp, said: RegExp): Promise<string[]> {
    await reaches(opened.page, state);
    await says(opened.page, "announce", said);
    const told = (line: string) => line.startsWith("StaticText ") && said.test(line.slice("StaticText ".length));
    const tree = await until(
      () => readTree(opened.client),
      (lines) => lines.includes(`heading ${heading}`) && lines.some((line) => words.test(line)) && lines.some(told),
    );
    await look(opened, state);
    return tree;
  }

  test.each([
    ["asking", "asking", "May I look?", /please allow the camera/, /^May I look\?\. The browser/],
    ["denied", "denied", "I may not look", /Allow it in the browser's settings/, /^I may not look\. /],
    ["no-camera", "missing", "I have no camera", /Connect one, and I find it/, /^I have no camera\. /],
    ["starting", "opening", "Nearly there", /I wait for the first picture/, /^Nearly there\. /],
  ] as const)("%s", async (state, camera, heading, words, said) => {
    const opened = await open(camera);
    const tree = await shows(opened, state, heading, words, said);
    expect(tree.some((line) => /^(Video|image) /i.test(line))).toBe(false);
    await opened.context.close();
  });

  test("loading, with how much of it has come", async () => {
    const opened = await open("", async ({ page, client }) => {
      await page.route("**/*.safetensors", async (route) => {
        // From here on it comes slowly.
        await client.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: 0,
          downloadThroughput: 30_000,
          uploadThroughput: -1,
        });
        await route.continue();
      });
    });
    const share = () => opened.page.evaluate(() => document.querySelector("progress")!.value);
    const first = await until(share, (value) => value > 0 && value < 0.8);
    await until(share, (value) => value > first);
    const tree = await shows(opened, "loading", "One moment", /^progressbar Fetching the model/i, /^One moment\. /);
    expect(tree.some((line) => /I am getting ready/.test(line))).toBe(true);
    await opened.context.close();
  });

  test("offline: the model was never here, and comes when the network does", async () => {
    const opened = await open("", ({ page }) => page.route("**/*.safetensors", (route) => route.abort()));
    await shows(
      opened,
      "offline",
      "I need the network once",
      /My model is not kept here yet/,
      /^I need the network once\. /,
    );
    await opened.page.unroute("**/*.safetensors");
    await opened.page.evaluate(() => dispatchEvent(new Event("online")));
    await reaches(opened.page, "sure");
    await opened.context.close();
  });

  test("model-failed: it is here, and its kernels are not; it is tried again", async () => {
    const lib = join(it.folder, "lib");
    const kernels = (await readdir(lib)).filter((name) => name.endsWith(".wasm"));
    for (const name of kernels) await rename(join(lib, name), join(lib, `${name}.away`));
    const opened = await open();
    try {
      await shows(
        opened,
        "model-failed",
        "I cannot answer now",
        /does not run on this device/,
        /^I cannot answer now\. /,
      );
    } finally {
      for (const name of kernels) await rename(join(lib, `${name}.away`), join(lib, name));
    }
    await opened.page.evaluate(() => dispatchEvent(new Event("online")));
    await reaches(opened.page, "sure");
    await opened.context.close();
  });

  test("sure, camera-lost, picture, unsure, picture-failed: history and results in every mode", async () => {
    const opened = await open();
    const { page } = opened;
    const tree = await shows(opened, "sure", "cat", /cat \d+|I see/, /^cat, \d+ percent$/);
    expect(tree).toContain("Video Camera picture");
    // Nothing is a visitor's to press.
    expect(tree.filter((line) => /^(button|combobox|checkbox|slider|textbox)/i.test(line))).toEqual([]);
    const frame = await page.evaluate(() => {
      const [frame, stage] = ["frame", "stage"].map((id) => document.getElementById(id)!.getBoundingClientRect());
      return { width: frame!.width, height: frame!.height, stage: stage!.width, tall: stage!.height };
    });
    // 32 x 32 of the picture's short side, squarely in its middle.
    expect(frame.width / frame.height).toBeCloseTo(1, 1);
    expect(Math.abs(frame.height / Math.min(frame.tall, (frame.stage * 480) / 640) - 1)).toBeLessThan(0.02);

    await page.evaluate(() => {
      Object.assign(globalThis, { unplugged: true });
      const [track] = (document.querySelector("video")!.srcObject as MediaStream).getVideoTracks();
      track!.stop();
      track!.dispatchEvent(new Event("ended"));
    });
    await shows(opened, "camera-lost", "I lost my camera", /I go on when it is back/, /^I lost my camera\. /);

    await page.setInputFiles("#pictures", [photo("horse.png"), photo("rocket.jpg")]);
    await shows(opened, "picture", "rocket", /^image rocket\.jpg/i, /^rocket, \d+ percent$/);
    await page.setInputFiles("#pictures", photo("coffee.jpg"));
    const unsure = /I am not sure\. It could be can as well/;
    await shows(opened, "unsure", "worm?", unsure, /^perhaps worm, \d+ percent$/);
    await page.setInputFiles("#pictures", [
      { name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") },
    ]);
    await shows(
      opened,
      "picture-failed",
      "I cannot read this picture",
      /It is damaged, too large/,
      /^I cannot read this picture\. /,
    );

    const seen = await page.locator("#history li").allTextContents();
    expect(seen.map((entry) => /^([a-z ]+?) ?\d/.exec(entry)?.[1])).toEqual(
      expect.arrayContaining(["worm", "rocket", "horse", "cat"]),
    );
    await settings(page);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
    const csv = await readFile(await download.path(), "utf8");
    expect(download.suggestedFilename()).toBe("seen.csv");
    expect(csv).toMatch(/,camera,cat,0\.\d{4},sure,"Bundled, 110 classes"\r\n/);
    expect(csv).toMatch(/,coffee\.jpg,worm,0\.\d{4},unsure,"Bundled, 110 classes"\r\n/);
    await opened.context.close();
  });

  test("the operator's settings: by a corner that is held, not one that is touched; a code guards them", async () => {
    const opened = await open();
    const { page } = opened;
    await reaches(page, "sure");
    await page.setViewportSize({ width: 1280, height: 800 });
    const isOpen = () => page.evaluate(() => document.querySelector("dialog")!.open);
    await page.mouse.move(1270, 10);
    await page.mouse.down();
    await page.mouse.up();
    await page.mouse.down();
    await new Promise((done) => setTimeout(done, 2000));
    expect(await isOpen()).toBe(false);
    await until(isOpen, (it) => it);
    await page.mouse.up();
    await look(opened, "operator");
    const tree = await readTree(opened.client);
    for (const line of ["dialog Operator", "button Camera", "checkbox Other guesses", "button Teach it something"]) {
      expect(tree.some((it) => it.startsWith(line))).toBe(true);
    }
    // What does nothing is not there.
    expect(tree.filter((line) => /Forget this model|ImageNet|^textbox Code|^button Open/.test(line))).toEqual([]);

    const labels = (count: number, name = "labels.txt") => ({
      name,
      mimeType: "text/plain",
      buffer: Buffer.from(Array.from({ length: count }, (_, at) => `thing ${at}`).join("\n")),
    });
    await page.setInputFiles("#labels-file", labels(109));
    await says(page, "operator-notice", /109 labels for 110 classes; give one for each/);
    await page.setInputFiles("#labels-file", labels(110));
    await says(page, "label", /^thing \d+$/);
    await page.selectOption("#labels", "file");
    await says(page, "label", /^cat$/);

    await page.check("#offers input[value=pictures]");
    await page.check("#offers input[value=speed]");
    await page.fill("#code", "4711");
    await page.click("#code-form button");
    await says(page, "code-said", /code is asked for/);
    await page.click("#operator-close");
    expect(await page.locator("#visitor-pictures").isVisible()).toBe(true);
    expect(await page.locator("#pace").isVisible()).toBe(true);
    await look(opened, "offers");
    await page.reload();
    await page.keyboard.press("Control+Alt+KeyO");
    await page.fill("#gate-code", "1234");
    await page.keyboard.press("Enter");
    await says(page, "gate-said", /not the code/);
    expect(await page.locator("#camera").isVisible()).toBe(false);
    await page.fill("#gate-code", "4711");
    await page.keyboard.press("Enter");
    await page.locator("#camera").waitFor();
    await opened.context.close();
  });

  test("teaching: from the camera and from files, kept, exported, answered with, and none of these", async () => {
    const opened = await open();
    const { page } = opened;
    await reaches(page, "sure");
    await settings(page);
    await page.click("#teach-open");
    await says(page, "teach-said", /Name the first class/);
    for (const name of ["my cat", "my horse"]) {
      await page.fill("#class-name", name);
      await page.keyboard.press("Enter");
    }
    expect(await page.locator("#train").isVisible()).toBe(false);
    for (let count = 1; count <= 3; count++) {
      await page.getByRole("button", { name: "Take a picture of my cat" }).click();
      await says(page, "classes", new RegExp(`my cat${count} picture`));
    }
    await page.getByRole("button", { name: "Undo the last picture of my cat" }).click();
    await says(page, "classes", /my cat2 pictures/);
    await page.setInputFiles('input[aria-label="Files of my horse"]', [photo("horse.png"), photo("horse.png")]);
    await says(page, "classes", /my horse2 pictures/);
    await page.getByRole("button", { name: "Learn these" }).click();
    await says(page, "teach-said", /^Learned/);
    await shows(opened, "teaching", "Teach me", /^button Take a picture of my horse/, /^Teach me\. Two names/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#teach-export")]);
    const file = await readFile(await download.path());
    expect(JSON.parse(file.toString("utf8", 8, 8 + Number(file.readBigUInt64LE())))["fc.bias"].shape).toEqual([2]);
    await page.click("#teach-close");
    await says(page, "label", /^my cat$/);
    await page.setInputFiles("#pictures", photo("rocket.jpg"));
    await shows(opened, "none", "None of these", /unlike the 2 things that I know/, /^None of these\. /);

    await page.reload();
    await says(page, "label", /^my cat$/);
    await settings(page);
    await page.click("#teach-open");
    // Typed while it loads, and not lost.
    await page.fill("#class-name", "my dog");
    await page.keyboard.press("Enter");
    await says(page, "classes", /my cat2 pictures/);
    for (const row of [/my horse2 pictures/, /my dog0 pictures/]) await says(page, "classes", row);
    // What is pressed keeps the focus, and passes it on when it goes.
    const focused = () => page.evaluate(() => document.activeElement!.getAttribute("aria-label"));
    const undo = page.getByRole("button", { name: "Undo the last picture of my horse" });
    await undo.focus();
    await page.keyboard.press("Enter");
    await says(page, "classes", /my horse1 picture(?!s)/);
    expect(await focused()).toBe("Undo the last picture of my horse");
    await page.keyboard.press("Enter");
    await says(page, "classes", /my horse0 pictures/);
    expect(await focused()).toBe("Files of my horse");
    // All of it: the pictures, and the model that learned from them.
    for (let press = 0; press < 2; press++) await page.click("#teach-forget");
    await says(page, "teach-said", /^All of it is forgotten/);
    expect(await page.evaluate(() => localStorage.getItem("kiosk-model-names"))).toBe("[]");
    expect(await page.locator("#model").inputValue()).toBe("");
    await page.click("#teach-close");
    await says(page, "label", /^cat$/);
    await opened.context.close();
  });

  test("no page threw", () => {
    expect(errors).toEqual([]);
  });
});

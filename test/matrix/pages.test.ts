import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildKiosk } from "../../scripts/kiosk.mjs";
import { buildPlayground } from "../../scripts/playground.mjs";
import { serve } from "../../scripts/serve.mjs";
import { serveFolder } from "../../scripts/site.mjs";
import * as bench from "../bench-page/serve.js";
import { kioskFaults, overlaps, sideways } from "../browser/layout.js";
import { sizes } from "../browser/sizes.js";
import { root } from "../built.js";
import { until } from "../kiosk/open.js";
import { drivers, type Session } from "./drivers.js";

/** Where `npm run screenshots` wants pictures. */
const screenshots = process.env.SCREENSHOTS;
/** Of a page longer than its screen. */
const MOST_SCREENS = 6;

let folder: string;
const pages = { playground: "", kiosk: "", bench: "" };
const ends: (() => void)[] = [];
/** Two photographs, as text that goes into a page. */
const photos: { name: string; base64: string }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pages-"));
  const playground = await serve({ folder: await buildPlayground(join(folder, "playground")), port: 0 });
  const kiosk = await serveFolder(await buildKiosk(join(folder, "kiosk")), 0);
  const benchPage = await bench.serve();
  ends.push(playground.close, kiosk.close, benchPage.stop);
  pages.playground = `http://127.0.0.1:${playground.port}/`;
  pages.kiosk = `${kiosk.origin}/`;
  pages.bench = `${benchPage.origin}?network=resnet20&runs=3&rounds=2&gpu=0&threads=0&sustained=1&sustainedSeconds=1`;
  for (const name of ["cat.jpg", "rocket.jpg"]) {
    photos.push({ name, base64: await readFile(new URL(`examples/photos/${name}`, root), "base64") });
  }
  if (screenshots) await mkdir(screenshots, { recursive: true });
});

afterAll(async () => {
  for (const end of ends) end();
  await rm(folder, { recursive: true, force: true });
});

/** As if a person had chosen these files. Runs in the page. */
function choose(selector: string, files: readonly { name: string; base64: string }[]): void {
  const input = document.querySelector<HTMLInputElement>(selector)!;
  const chosen = new DataTransfer();
  for (const { name, base64 } of files) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    chosen.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  input.files = chosen.files;
  input.dispatchEvent(new Event("change"));
}

/** As if a person had typed a name and pressed Enter. Runs in the page. */
function addClass(name: string): void {
  document.querySelector<HTMLInputElement>("#class-name")!.value = name;
  document.querySelector<HTMLFormElement>("#class-form")!.requestSubmit();
}

const call = (run: (...given: never[]) => unknown, ...given: unknown[]) =>
  `(${run})(${given.map((it) => JSON.stringify(it)).join()})`;

describe.each(drivers.filter(({ name }) => !name.includes("software")))("$name", { timeout: 300_000 }, (driver) => {
  if (driver.missing) console.log(`${driver.name} is skipped: ${driver.missing}`);

  describe.skipIf(driver.missing).each(["light", "dark"] as const)("%s", (colorScheme) => {
    let session: Session;
    // A browser for each: Firefox may never return from starting a worker in a worker, once another one was terminated.
    const open = async (address: string) => {
      session = await driver.open(address, colorScheme);
    };
    afterEach(() => session?.close());

    const press = (id: string) => session.read(`document.getElementById("${id}").click()`);
    const reads = (expression: string, wanted: RegExp) =>
      until(
        () => session.read<string>(`String(${expression})`),
        (found) => wanted.test(found),
        60_000,
      );
    const says = (id: string, wanted: RegExp) => reads(`document.getElementById("${id}").textContent`, wanted);
    const drawn = () =>
      session.read("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");

    async function teach(filesOf: (index: number) => string): Promise<void> {
      for (const [index, { name }] of photos.entries()) {
        await session.read(call(addClass, `my ${name}`));
        await says("classes", new RegExp(name));
        await session.read(call(choose, filesOf(index), [photos[index], photos[index]]));
      }
      await says("classes", /2 pictures.*2 pictures/);
      await press("train");
    }

    /** At every size `measure`, which runs in the page, finds nothing. */
    async function look(name: string, ...measures: readonly (() => string[])[]): Promise<void> {
      for (const [width, height] of sizes) {
        await session.resize(width, height);
        await drawn();
        const title = `${name}-${width}x${height}-${colorScheme}-${driver.name}`;
        expect(await session.read("[innerWidth, innerHeight]")).toEqual([width, height]);
        if (screenshots) await keep(join(screenshots, title), height);
        for (const measure of measures) expect(await session.read(call(measure)), title).toEqual([]);
      }
    }

    async function keep(path: string, height: number): Promise<void> {
      const whole = await session.read<number>("document.documentElement.scrollHeight");
      for (let screen = 0; screen < Math.min(MOST_SCREENS, whole / height); screen++) {
        await session.read(`scrollTo({ top: ${screen * height}, behavior: "instant" })`);
        await drawn();
        await writeFile(`${path}-${screen + 1}.png`, await session.picture());
      }
      await session.read(`scrollTo({ top: 0, behavior: "instant" })`);
    }

    test("the playground answers, explains and is taught, and its docs fit", async () => {
      await open(pages.playground);
      await says("label", /^cat$/);
      await press("why");
      await reads(`document.getElementById("heat").hidden`, /false/);
      await session.read(`document.querySelectorAll("details").forEach((it) => { it.open = true; })`);
      await look("playground", sideways);
      await teach((index) => `#classes li:nth-child(${index + 1}) input`);
      await says("taught", /^Taught/);
      await says("label", /^my cat/);
      await look("playground-taught", sideways);
      await session.goto(`${pages.playground}docs/api.html`);
      await look("docs", sideways);
    });

    test("the kiosk without a camera, with pictures, its settings, and taught", async () => {
      const state = (wanted: RegExp) => reads(`document.getElementById("main").dataset.state`, wanted);
      await open(pages.kiosk);
      await state(/^(no-camera|denied)$/);
      await look("kiosk-no-camera", kioskFaults);
      await session.read(call(choose, "#pictures", photos));
      await says("label", /^rocket$/);
      await look("kiosk-picture", kioskFaults);
      await session.read(`location.hash = "#operator"`);
      await reads(`document.querySelector("dialog").open`, /true/);
      await look("kiosk-operator", kioskFaults);
      await press("teach-open");
      await says("teach-said", /Name the first class/);
      await teach((index) => `#classes li:nth-child(${index + 1}) input[type=file]`);
      await says("teach-said", /^Learned/);
      await look("kiosk-teaching", kioskFaults);
    });

    test("the bench page before and after a run", async () => {
      await open(pages.bench);
      await reads(`document.getElementById("start").disabled`, /false/);
      await look("bench", sideways);
      await press("start");
      await reads(
        `document.getElementById("results").hidden + " " + document.getElementById("running").hidden`,
        /false true/,
      );
      await look("bench-results", sideways, overlaps);
    });
  });
});

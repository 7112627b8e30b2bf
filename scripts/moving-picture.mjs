// Draws README's moving picture from the playground itself: npm run moving-picture
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { buildPlayground } from "./playground.mjs";
import { serve } from "./serve.mjs";
import { root } from "./site.mjs";

/** So high that the examples are in sight: pressing them must not scroll. */
const [WIDTH, HEIGHT] = [1000, 880];
const MOST_BYTES = 400_000;
const out = join(root, "docs/playground.webp");

const server = await serve({ folder: await buildPlayground(), port: 0 });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT }, colorScheme: "light" });
await page.goto(`http://127.0.0.1:${server.port}/`);

const frames = [];
/** Waits until `label` is answered, and takes a picture that stands for `ms`. */
async function frame(label, ms) {
  while ((await page.locator("#label").textContent()) !== label) await page.waitForTimeout(50);
  // The heat map, and bars on their way, come after the answer.
  await page.waitForTimeout(600);
  await page.evaluate(() => scrollTo(0, 0));
  frames.push({ picture: await page.screenshot(), ms });
}

const example = (name) => page.getByRole("button", { name, exact: true }).click();
await frame("cat", 1800);
await page.getByLabel("Show where it sees that").check();
await frame("cat", 1800);
await example("Horse");
await frame("horse", 1800);
await example("Rocket");
await frame("rocket", 1800);
await page.emulateMedia({ colorScheme: "dark" });
await frame("rocket", 1800);
await browser.close();
server.close();

const moving = sharp(
  frames.map(({ picture }) => picture),
  { join: { animated: true } },
);
await moving.webp({ quality: 72, effort: 6, loop: 0, delay: frames.map(({ ms }) => ms) }).toFile(out);
const { size } = await stat(out);
if (size > MOST_BYTES) throw new Error(`${out} has ${size} bytes: at most ${MOST_BYTES} are wanted.`);
console.log(`wrote ${out}, ${frames.length} frames, ${size} bytes`);

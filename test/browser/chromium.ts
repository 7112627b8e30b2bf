import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import type { Site } from "./server.js";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const executablePath = places.find((place) => place && existsSync(place));

/** Why browser tests are skipped; empty where they run. */
export const noChromium = executablePath
  ? ""
  : " (skipped: no Chromium; install Debian's package chromium, or set CHROMIUM to its path)";
if (noChromium && process.env.NO_SKIPS) throw new Error(noChromium);
if (noChromium) console.log(`Chromium tests${noChromium}`);

/** Quiet, and as root. */
export const flags = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch(...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, args: [...flags, ...more] });
}

/** A page of the site whose script has left the library as `resnetEdge`. (The page's policy forbids waitForFunction's eval.) */
export async function openPage(browser: Browser, site: Site): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(site.origin);
  while (!(await page.evaluate(() => "resnetEdge" in globalThis)))
    await new Promise((resolve) => setTimeout(resolve, 20));
  return page;
}

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { buildKiosk } from "../../scripts/kiosk.mjs";
import { serveFolder } from "../../scripts/site.mjs";
import { launch } from "../browser/chromium.js";
import { root } from "../built.js";
import { writeVideo } from "./video.js";

export interface Kiosk {
  readonly browser: Browser;
  /** What is served. */
  readonly folder: string;
  readonly server: { readonly origin: string; close(): void };
}

/** The kiosk, built and served, and a Chromium whose camera shows a photograph. */
export async function openKiosk(photo: string): Promise<Kiosk> {
  const folder = await mkdtemp(join(tmpdir(), "kiosk-"));
  const video = join(folder, "camera.y4m");
  await writeVideo(video, fileURLToPath(new URL(`examples/photos/${photo}`, root)));
  const site = await buildKiosk(join(folder, "site"));
  const server = await serveFolder(site, 0);
  const browser = await launch(
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${video}`,
  );
  return { browser, folder: site, server };
}

/** Reads an expression until it is what is wanted: the page's policy forbids the driver's own waiting. */
export async function until<T>(read: () => Promise<T>, wanted: (value: T) => boolean, ms = 15_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(value)} after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const text = (page: Page, id: string) => page.evaluate((it) => document.getElementById(it)!.textContent!, id);

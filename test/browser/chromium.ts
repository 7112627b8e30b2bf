import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place && existsSync(place));

/** Why browser tests are skipped; empty where they run. */
export const noChromium = executablePath
  ? ""
  : " (skipped: no Chromium; install Debian's package chromium, or set CHROMIUM to its path)";
if (noChromium) console.log(`Chromium tests${noChromium}`);

export function launch(...flags: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath!,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
}

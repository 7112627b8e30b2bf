import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";
import { executablePath as chromium, launch } from "../browser/chromium.js";

/** A browser that can be sent to an address. What it finds there it reports by itself: drivers differ in what else they can. */
export interface Driver {
  readonly name: string;
  /** Why it cannot be had; null where it can. */
  readonly missing: string | null;
  /** Opens the address, and returns how to close everything again. */
  open(address: string): Promise<() => Promise<unknown>>;
}

const first = (...places: string[]) => places.find((place) => existsSync(place)) ?? "";

const chromiumWith = (name: string, ...flags: string[]): Driver => ({
  name,
  missing: chromium ? null : "Debian's package chromium is not installed",
  async open(address) {
    const browser = await launch(...flags);
    await (await browser.newPage()).goto(address);
    return () => browser.close();
  },
});

const firefoxPath = first("/usr/bin/firefox-esr", "/usr/bin/firefox");

/** By WebDriver BiDi. */
const firefox: Driver = {
  name: "Firefox",
  missing: firefoxPath ? null : "Debian's package firefox-esr is not installed",
  async open(address) {
    const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefoxPath, headless: true });
    await (await browser.newPage()).goto(address);
    return () => browser.close();
  },
};

const miniBrowser = first(
  "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
  "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.0/MiniBrowser",
);
const PORT = 24_817;

/** By WebKitWebDriver's own protocol (W3C WebDriver), on a screen that is not there. */
const webkit: Driver = {
  name: "WebKitGTK",
  missing:
    existsSync("/usr/bin/WebKitWebDriver") && existsSync("/usr/bin/xvfb-run") && miniBrowser
      ? null
      : "Debian's packages webkit2gtk-driver, xvfb and xauth are not installed",
  async open(address) {
    const words = ["-a", "WebKitWebDriver", `--port=${PORT}`];
    const server = spawn("xvfb-run", words, { stdio: "ignore", detached: true });
    const ask = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${PORT}${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const { value } = (await answer.json()) as { value: { error?: string; message?: string; sessionId: string } };
      if (value?.error) throw new Error(`${value.error}: ${value.message}`);
      return value;
    };
    for (let attempt = 0; ; attempt++) {
      try {
        await ask("GET", "/status");
        break;
      } catch (error) {
        if (attempt === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    const options = { "webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"] } };
    const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: options } });
    await ask("POST", `/session/${sessionId}/url`, { url: address });
    return async () => {
      await ask("DELETE", `/session/${sessionId}`).catch(() => {});
      process.kill(-server.pid!);
    };
  },
};

export const drivers: readonly Driver[] = [
  chromiumWith("Chromium"),
  chromiumWith("Chromium, software WebGPU", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
  firefox,
  webkit,
];

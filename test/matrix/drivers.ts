import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { executablePath as chromium, launch } from "../browser/chromium.js";

/** A browser with one page. */
export interface Session {
  goto(address: string): Promise<unknown>;
  /** Of the viewport, in CSS pixels. */
  resize(width: number, height: number): Promise<unknown>;
  /** The value of an expression in the page, or what it promises. */
  read<T>(expression: string): Promise<T>;
  /** What is on the screen, as PNG. */
  picture(): Promise<Uint8Array>;
  close(): Promise<unknown>;
}

/** A browser that can be sent to an address. */
export interface Driver {
  readonly name: string;
  /** Why it cannot be had; null where it can. */
  readonly missing: string | null;
  /** Opens the address. The caller must close what it gets. */
  open(address: string, colorScheme?: "light" | "dark"): Promise<Session>;
}

const first = (...places: string[]) => places.find((place) => existsSync(place)) ?? "";

const chromiumWith = (name: string, ...flags: string[]): Driver => ({
  name,
  missing: chromium ? null : "Debian's package chromium is not installed",
  async open(address, colorScheme = "light") {
    const browser = await launch(...flags);
    const page = await browser.newPage({ colorScheme });
    await page.goto(address);
    return {
      goto: (address) => page.goto(address),
      resize: (width, height) => page.setViewportSize({ width, height }),
      read: (expression) => page.evaluate(expression),
      picture: () => page.screenshot(),
      close: () => browser.close(),
    };
  },
});

const firefoxPath = first("/usr/bin/firefox-esr", "/usr/bin/firefox");

/** By WebDriver BiDi. */
const firefox: Driver = {
  name: "Firefox",
  missing: firefoxPath ? null : "Debian's package firefox-esr is not installed",
  async open(address, colorScheme = "light") {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: firefoxPath,
      headless: true,
      extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": colorScheme === "dark" ? 0 : 1 },
    });
    const page = await browser.newPage();
    await page.goto(address);
    return {
      goto: (address) => page.goto(address),
      resize: (width, height) => page.setViewport({ width, height }),
      read: async <T>(expression: string) => (await page.evaluate(expression)) as T,
      picture: () => page.screenshot(),
      close: () => browser.close(),
    };
  },
};

const miniBrowser = first(
  "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
  "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.0/MiniBrowser",
);
const PORT = 24_817;
/** Larger than any page that is looked at. */
const SCREEN = "4096x2400x24";
/** Its toolbar would keep the window wider than a phone. */
const SMALL_TOOLBAR = "* { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; font-size: 1px; }";

/** By WebKitWebDriver's own protocol (W3C WebDriver), on a screen that is not there. */
const webkit: Driver = {
  name: "WebKitGTK",
  missing:
    existsSync("/usr/bin/WebKitWebDriver") && existsSync("/usr/bin/xvfb-run") && miniBrowser
      ? null
      : "Debian's packages webkit2gtk-driver, xvfb and xauth are not installed",
  async open(address, colorScheme = "light") {
    const config = await mkdtemp(join(tmpdir(), "gtk-"));
    await mkdir(join(config, "gtk-3.0"));
    await writeFile(join(config, "gtk-3.0/gtk.css"), SMALL_TOOLBAR);
    const words = ["-a", "-s", `-screen 0 ${SCREEN}`, "WebKitWebDriver", `--port=${PORT}`];
    const theme = colorScheme === "dark" ? "Adwaita:dark" : "Adwaita";
    const env = { ...process.env, XDG_CONFIG_HOME: config, GTK_THEME: theme };
    const server = spawn("xvfb-run", words, { stdio: "ignore", detached: true, env });
    const ask = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${PORT}${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const { value } = (await answer.json()) as { value: { error?: string; message?: string } };
      if (value?.error) throw new Error(`${value.error}: ${value.message}`);
      return value as unknown;
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
    const capabilities = { alwaysMatch: options };
    const { sessionId } = (await ask("POST", "/session", { capabilities })) as { sessionId: string };
    const path = `/session/${sessionId}`;
    const session: Session = {
      goto: (url) => ask("POST", `${path}/url`, { url }),
      // A window is resized some time after it was asked for, and its bars count.
      async resize(width, height) {
        let bars = 0;
        for (let attempt = 0; attempt < 20; attempt++) {
          await ask("POST", `${path}/window/rect`, { width, height: height + bars });
          await new Promise((resolve) => setTimeout(resolve, 100));
          const [wide, high, outer] = await session.read<number[]>("[innerWidth, innerHeight, outerHeight]");
          if (wide === width && high === height) return;
          bars = Math.max(0, outer! - high!);
        }
      },
      read: async <T>(expression: string) =>
        (await ask("POST", `${path}/execute/sync`, { script: `return (${expression})`, args: [] })) as T,
      picture: async () => Buffer.from((await ask("GET", `${path}/screenshot`)) as string, "base64"),
      async close() {
        await ask("DELETE", path).catch(() => {});
        process.kill(-server.pid!);
        await rm(config, { recursive: true, force: true });
      },
    };
    await session.goto(address);
    return session;
  },
};

export const drivers: readonly Driver[] = [
  chromiumWith("Chromium"),
  chromiumWith("Chromium, software WebGPU", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
  firefox,
  webkit,
];

// How long the playground takes to its first answer, on a plain static host, cold: npm run site:first -- [--times N] [--settle MS] [--trace]
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { buildPlayground } from "./playground.mjs";
import { serve } from "./serve.mjs";

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "7" },
    // A browser that was started this moment is busy with itself; a visitor's runs already. 0: it is not waited for.
    settle: { type: "string", default: "2000" },
    trace: { type: "boolean", default: false },
  },
});

/** Keeps when, since the navigation began, the first bar was there. Runs in the page, before it. */
function watch() {
  new MutationObserver(() => {
    if (globalThis.answeredAt || !document.querySelector("#bars li")) return;
    globalThis.answeredAt = performance.now();
  }).observe(document, { childList: true, subtree: true });
}

/** One visit by a browser that has never been there: milliseconds from the navigation's start to the answer. */
async function visit(address) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage();
    await page.addInitScript(watch);
    if (values.trace) await trace(page);
    await new Promise((resolve) => setTimeout(resolve, Number(values.settle)));
    await page.goto(address, { waitUntil: "commit" });
    for (;;) {
      const ms = await page.evaluate(() => globalThis.answeredAt ?? 0);
      if (ms > 0) return ms;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await browser.close();
  }
}

/** Prints each request's begin and end, the workers' among them. */
async function trace(page) {
  const begin = performance.now();
  const at = () => `${(performance.now() - begin).toFixed(0).padStart(6)} ms`;
  const name = (request) => new URL(request.url()).pathname;
  const context = page.context();
  context.on("request", (it) => console.log(at(), "asks", it.serviceWorker() ? "(service worker)" : "", name(it)));
  context.on("requestfinished", (it) =>
    console.log(at(), "has ", it.serviceWorker() ? "(service worker)" : "", name(it)),
  );
  page.on("worker", (worker) => console.log(at(), "worker", new URL(worker.url()).pathname));
}

const server = await serve({ folder: await buildPlayground(), port: 0 });
const times = [];
for (let time = 0; time < Number(values.times); time++) times.push(await visit(`http://127.0.0.1:${server.port}/`));
server.close();
times.sort((a, b) => a - b);
const ms = (time) => `${time.toFixed(0)} ms`;
console.log(
  `cold, to the first answer: median ${ms(times[times.length >> 1])}, ${ms(times[0])} to ${ms(times.at(-1))}, ${times.length} visits`,
);

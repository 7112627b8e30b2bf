import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { data } from "../acceptance/data.js";
import { serve } from "../browser/server.js";
import { library, root } from "../built.js";
import { type Driver, drivers } from "./drivers.js";

interface Trial {
  readonly error?: string;
  readonly label: string;
  readonly score: number;
  readonly right: number | null;
  readonly kernels: string;
  readonly threads: number;
  readonly threadsReason: string;
  readonly gpu: string;
}
interface Report {
  readonly isolated: boolean;
  /** It has a SharedArrayBuffer. */
  readonly shared: boolean;
  readonly trials: Readonly<Record<"auto" | "baseline" | "relaxed" | "together", Trial>>;
}

const pictures = new URL("cifar10/test-1000.bin", data);
const cifar10 = existsSync(pictures) ? readFileSync(pictures) : null;
if (!cifar10) console.log("the 1,000 CIFAR-10 pictures are skipped: there is no ../shared/data beside the checkout");

async function report(driver: Driver, isolated: boolean): Promise<Report> {
  const page = '<!doctype html><title>matrix</title><script type="module" src="/test/matrix/page.js"></script>';
  const site = await serve({ isolated, files: { "/matrix.html": Buffer.from(page), "/cifar10.bin": cifar10 } });
  const session = await driver.open(`${site.origin}/matrix.html`);
  try {
    for (const end = Date.now() + 120_000; Date.now() < end; ) {
      const found = site.reports.find((it) => it.includes('"trials"'));
      if (found) return JSON.parse(found);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no report came; policy reports: ${site.reports.join(" ") || "none"}`);
  } finally {
    await session.close();
    site.close();
  }
}

async function expected(): Promise<{ label: string; score: number; right: number | null }> {
  const classifier = await library.loadClassifier(undefined, { device: "cpu" });
  const [best] = await classifier.classify(new URL("examples/photos/cat.jpg", root));
  let right: number | null = null;
  if (cifar10) {
    right = 0;
    for (let at = 0; at < cifar10.length; at += 3073) {
      const pixels = Uint8Array.from(
        { length: 3072 },
        (_, index) => cifar10[at + 1 + 1024 * (index % 3) + Math.floor(index / 3)]!,
      );
      const [found] = await classifier.classify({ data: pixels, width: 32, height: 32 }, { topK: 1 });
      if (found!.index === cifar10[at]) right++;
    }
  }
  await classifier.close();
  return { ...best!, right };
}

const rows: string[][] = [];
afterAll(() => {
  const head = [
    "browser",
    "isolation headers",
    "kernels under `auto`",
    "threads, of 2 asked for",
    "WebGPU under `auto`",
    "right of 1,000",
  ];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  console.log(`\n${lines.join("\n")}\n`);
});

describe.each(drivers)("$name", { timeout: 180_000 }, (driver) => {
  if (driver.missing) console.log(`${driver.name} is skipped: ${driver.missing}`);

  test.skipIf(driver.missing)("every module it has, isolated and not, gives Node's answers", async () => {
    const wanted = await expected();
    for (const isolated of [true, false]) {
      const { trials, isolated: found, shared } = await report(driver, isolated);
      const { auto, baseline, relaxed, together } = trials;
      rows.push([
        driver.name,
        `${isolated ? "sent" : "not sent"}${isolated && !found ? ", not heeded" : ""}`,
        relaxed.error ? `${auto.kernels}; ${relaxed.error.replace(/^\w+: ([^.]*)\..*/, "$1")}` : auto.kernels,
        `${together.threads}: ${together.threadsReason}`,
        auto.gpu,
        `${auto.right ?? "not tried"}`,
      ]);
      for (const trial of [auto, baseline, together, ...(relaxed.error ? [] : [relaxed])]) {
        expect(trial.error).toBeUndefined();
        expect(trial.label).toBe(wanted.label);
        expect(Math.abs(trial.score - wanted.score)).toBeLessThan(0.02);
        expect(trial.right).toBe(wanted.right);
      }
      // What an engine lacks is named.
      if (relaxed.error) expect(relaxed.error).toMatch(/no relaxed SIMD/);
      expect(auto.kernels).toMatch(relaxed.error ? /simd128/ : /relaxed-simd/);
      expect(together.threads).toBe(found && shared ? 2 : 1);
      if (!found) expect(together.threadsReason).toMatch(/no cross-origin isolation/);
      else if (!shared) expect(together.threadsReason).toMatch(/no shared memory/);
      expect(auto.gpu.length).toBeGreaterThan(5);
      if (driver.name.includes("software")) expect(auto.gpu).toMatch(/software adapter|faster/);
    }
  });
});

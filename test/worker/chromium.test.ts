import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium } from "../browser/chromium.js";
import { type Site, serve } from "../browser/server.js";
import { traceTasks } from "../browser/tasks.js";
import { resnet18File } from "./resnet18.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");

const model = resnet18File();
/** Longer than this and a page of 60 frames a second stutters. */
const FRAME_MS = 16;
/** More of the same with FULL=1: test/full. */
const ANSWERS = process.env.FULL ? 100 : 30;
const CALLS = process.env.FULL ? 1000 : 300;
const LOADS = process.env.FULL ? 12 : 4;

// One for both: what is isolated is a site's page.
let browser: Browser;
beforeAll(async () => {
  if (!noChromium) browser = await launch();
});
afterAll(() => browser?.close());

describe.skipIf(noChromium).each([true, false])(`workers in Chromium, isolated: %s${noChromium}`, (isolated) => {
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    site = await serve({ isolated, files: { "/resnet18.safetensors": model } });
  });

  afterAll(async () => {
    await page?.close();
    site?.close();
  });

  async function open(at: Site = site): Promise<void> {
    await page?.close();
    page = await browser.newPage();
    await page.goto(at.origin);
    await page.waitForFunction("globalThis.resnetEdge");
  }

  test("models that are closed leave no worker behind", async () => {
    await open();
    await page.evaluate(async (loads) => {
      const bytes = await (await fetch("/resnet18.safetensors")).arrayBuffer();
      for (let round = 0; round < loads; round++) {
        const model = await resnetEdge.loadModel(bytes, { device: "cpu" });
        await model.run(new Float32Array(3 * 224 * 224));
        await model.close();
      }
    }, LOADS);
    await expect.poll(() => page.workers().map((worker) => worker.url()), { timeout: 8000 }).toEqual([]);
  });

  test("threads where the page is isolated, one where not, and the reason", async () => {
    await open();
    const { stats, cores } = await page.evaluate(async () => {
      const model = await resnetEdge.loadModel("/resnet18.safetensors", { device: "cpu" });
      await model.run(new Float32Array(3 * 224 * 224));
      const { stats } = model;
      await model.close();
      return { stats, cores: navigator.hardwareConcurrency };
    });
    await expect.poll(() => page.workers().map((worker) => worker.url()), { timeout: 8000 }).toEqual([]);
    if (isolated) {
      expect(stats.threads).toBe(Math.min(cores, 8));
      expect(stats.threadsReason).toBe(cores === 1 ? "one core is reported" : `${cores} cores are reported`);
    } else {
      expect(stats.threads).toBe(1);
      expect(stats.threadsReason).toBe("no cross-origin isolation, so no shared memory");
    }
  });

  test(`the page's thread: no task over ${FRAME_MS} ms while two models load and answer 100 and ${ANSWERS} times`, {
    retry: 4,
  }, async () => {
    await open();
    const { value, tasks } = await traceTasks(browser, page, () =>
      page.evaluate(async (ANSWERS) => {
        const longTasks: number[] = [];
        const observer = new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) longTasks.push(duration);
        });
        observer.observe({ type: "longtask" });
        const photo = await (await fetch("/examples/photos/cat.jpg")).blob();
        const classifier = await resnetEdge.loadClassifier(undefined, { device: "cpu" });
        const labels = new Set<string>();
        for (let run = 0; run < 100; run++) labels.add((await classifier.classify(photo))[0]!.label);
        await classifier.close();
        const model = await resnetEdge.loadModel("/resnet18.safetensors", { device: "cpu" });
        const input = new Float32Array(3 * 224 * 224).fill(0.5);
        let finite = 0;
        for (let run = 0; run < ANSWERS; run++) {
          const { logits } = await model.run(input);
          if (logits.every(Number.isFinite)) finite++;
        }
        await model.close();
        // Long tasks are reported a while later.
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { longTasks, labels: [...labels], finite };
      }, ANSWERS),
    );
    const { longTasks, labels, finite } = value;
    const longest = Math.max(...tasks);
    console.log(`isolated ${isolated}: ${tasks.length} tasks, longest ${longest.toFixed(1)} ms of the page's thread`);
    expect(labels).toEqual(["cat"]);
    expect(finite).toBe(ANSWERS);
    expect(longTasks).toEqual([]);
    expect(tasks.length).toBeGreaterThan(200);
    expect(longest).toBeLessThanOrEqual(FRAME_MS);
  });

  test("a worker that ends without a word: what it worked on rejects, the rest and the next are answered", async () => {
    await open();
    const answers = page.evaluate(async () => {
      const classifier = await resnetEdge.loadClassifier();
      const photo = await (await fetch("/examples/photos/cat.jpg")).blob();
      const outcomes: string[] = [];
      // There is always a call under way: a worker that ends between two is replaced, and nobody is told.
      const keepAsking = async () => {
        do {
          const outcome = await classifier.classify(photo).then(
            ([best]) => best!.label,
            ({ name }) => name,
          );
          outcomes.push(outcome);
          Object.assign(globalThis, { asking: true });
        } while (!("replaced" in globalThis));
      };
      await Promise.all(Array.from({ length: 20 }, keepAsking));
      outcomes.push((await classifier.classify(photo))[0]!.label);
      await classifier.close();
      return outcomes;
    });
    await page.waitForFunction(() => "asking" in globalThis);
    const [worker] = page.workers();
    const replacement = page.waitForEvent("worker", (other) => other !== worker && other.url() === worker!.url());
    // There may be no answer from a worker that is gone.
    worker!.evaluate(() => self.close()).catch(() => {});
    await replacement;
    await page.evaluate(() => Object.assign(globalThis, { replaced: true }));
    const outcomes = await answers;
    const errors = outcomes.filter((outcome) => outcome === "WorkerError").length;
    expect(errors).toBeGreaterThanOrEqual(1);
    expect(errors).toBeLessThanOrEqual(2);
    expect(new Set(outcomes)).toEqual(new Set(["cat", "WorkerError"]));
    expect(outcomes.at(-1)).toBe("cat");
  });

  test(`${CALLS} concurrent calls, some aborted`, async () => {
    await open();
    const { order, names } = await page.evaluate(async (CALLS) => {
      const classifier = await resnetEdge.loadClassifier();
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => at % 251);
      const order: number[] = [];
      const names = new Map<string, number>();
      const calls = Array.from({ length: CALLS }, (_, index) => {
        const controller = new AbortController();
        const call = classifier.classify({ data, width: 32, height: 32 }, { signal: controller.signal });
        if (index % 10 === 3) setTimeout(() => controller.abort());
        return call.then(
          () => {
            order.push(index);
            names.set("answered", (names.get("answered") ?? 0) + 1);
          },
          ({ name }) => names.set(name, (names.get(name) ?? 0) + 1),
        );
      });
      await Promise.all(calls);
      await classifier.close();
      return { order, names: Object.fromEntries(names) };
    }, CALLS);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(names.answered! + names.AbortError!).toBe(CALLS);
    expect(names.AbortError).toBeGreaterThan(0.09 * CALLS);
  });

  test("short inferences one by one, together and aborted: the logits and the order in place, few messages if isolated", async () => {
    await open();
    const { wrong, order, aborted, posts } = await page.evaluate(async () => {
      const address = "/models/cifar10-resnet20.safetensors";
      const here = await resnetEdge.loadModel(address, { device: "cpu", worker: false });
      const { postMessage } = Worker.prototype;
      let posts = 0;
      Worker.prototype.postMessage = function (this: Worker, ...words: unknown[]) {
        posts++;
        return (postMessage as (...words: unknown[]) => void).apply(this, words);
      } as typeof postMessage;
      const there = await resnetEdge.loadModel(address, { device: "cpu" });
      const inputs = Array.from({ length: 16 }, (_, seed) =>
        Float32Array.from({ length: 3 * 32 * 32 }, (_, at) => Math.sin(at * (seed + 1))),
      );
      const expected: string[] = [];
      for (const input of inputs) expected.push(String((await here.run(input)).logits));
      const order: number[] = [];
      let [count, wrong, aborted] = [0, 0, 0];
      const ask = async (signal?: AbortSignal) => {
        const number = count++;
        const which = number % inputs.length;
        try {
          const { logits } = await there.run(inputs[which]!, { signal: signal ?? null });
          order.push(number);
          if (String(logits) !== expected[which]) wrong++;
        } catch (error) {
          if ((error as Error).name !== "AbortError") throw error;
          aborted++;
        }
      };
      for (let round = 0; round < 50; round++) {
        for (let single = 0; single < 8; single++) await ask();
        await Promise.all([ask(), ask(), ask()]);
        const controller = new AbortController();
        const doomed = ask(controller.signal);
        // At once, and while the worker has it.
        if (round % 2) await new Promise((resolve) => setTimeout(resolve));
        controller.abort();
        await Promise.all([ask(), doomed]);
      }
      await there.close();
      await here.close();
      return { wrong, order, aborted, posts };
    });
    expect(wrong).toBe(0);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order.length + aborted).toBe(50 * 13);
    expect(aborted).toBeGreaterThanOrEqual(25);
    console.log(`isolated ${isolated}: ${posts} messages for ${50 * 13} requests`);
    if (isolated) expect(posts).toBeLessThan(620);
    else expect(posts).toBeGreaterThanOrEqual(50 * 12);
  });

  // A page that comes late, as on a busy machine, has its answer by message.
  test("longer inferences: the logits in place; if isolated, by shared memory, after word that they are nearly done", {
    retry: 2,
  }, async () => {
    await open();
    const { wrong, kinds, words, answers } = await page.evaluate(async (ANSWERS) => {
      const address = "/resnet18.safetensors";
      const { postMessage } = Worker.prototype;
      const kinds = new Map<string, number>();
      const known = new Set<Worker>();
      let [words, answers, wrong] = [0, 0, 0];
      Worker.prototype.postMessage = function (this: Worker, ...sent: [{ kind: string }]) {
        kinds.set(sent[0].kind, (kinds.get(sent[0].kind) ?? 0) + 1);
        if (!known.has(this)) {
          known.add(this);
          this.addEventListener("message", ({ data }) => {
            if ("soon" in data) words++;
            if ("value" in data) answers++;
          });
        }
        return (postMessage as (...sent: unknown[]) => void).apply(this, sent);
      } as typeof postMessage;
      const there = await resnetEdge.loadModel(address, { device: "cpu", threads: 1 });
      const here = await resnetEdge.loadModel(address, { device: "cpu", worker: false });
      const inputs = [0.5, 0.25].map((value) => new Float32Array(3 * 224 * 224).fill(value));
      const expected = [];
      for (const input of inputs) expected.push(String((await here.run(input)).logits));
      for (let run = 0; run < ANSWERS; run++) {
        const { logits } = await there.run(inputs[run % 2]!);
        if (String(logits) !== expected[run % 2]) wrong++;
      }
      await here.close();
      await there.close();
      Worker.prototype.postMessage = postMessage;
      return { wrong, kinds: Object.fromEntries(kinds), words, answers };
    }, ANSWERS);
    console.log(
      `isolated ${isolated}: ${words} words and ${answers} answers by message for ${ANSWERS} longer requests`,
    );
    expect(wrong).toBe(0);
    if (isolated) {
      expect(kinds.run).toBe(1);
      expect(words).toBeGreaterThanOrEqual(ANSWERS - 3);
      // Those of the first runs, and the one when it was closed.
      expect(answers).toBeLessThan(ANSWERS / 2);
    } else {
      expect(kinds).toEqual({ open: 1, run: ANSWERS, close: 1 });
      expect([words, answers]).toEqual([0, ANSWERS + 1]);
    }
  });

  test("a worker that ends between short inferences: one of them rejects at most, and all others are answered", async () => {
    await open();
    const answers = page.evaluate(async () => {
      const model = await resnetEdge.loadModel("/models/cifar10-resnet20.safetensors", { device: "cpu" });
      const input = new Float32Array(3 * 32 * 32).fill(0.5);
      const first = String((await model.run(input)).logits);
      const outcomes: string[] = [];
      do {
        const outcome = await model.run(input).then(
          ({ logits }) => (String(logits) === first ? "same" : "other"),
          ({ name }) => name,
        );
        outcomes.push(outcome);
        Object.assign(globalThis, { asking: outcomes.length > 20 });
      } while (!("replaced" in globalThis));
      await model.close();
      return outcomes;
    });
    await page.waitForFunction(() => (globalThis as { asking?: boolean }).asking);
    const [worker] = page.workers();
    const replacement = page.waitForEvent("worker", (other) => other !== worker);
    worker!.evaluate(() => self.close()).catch(() => {});
    await replacement;
    await page.waitForTimeout(100);
    await page.evaluate(() => Object.assign(globalThis, { replaced: true }));
    const outcomes = await answers;
    expect(outcomes.filter((outcome) => outcome === "WorkerError").length).toBeLessThanOrEqual(1);
    expect(new Set(outcomes.filter((outcome) => outcome !== "WorkerError"))).toEqual(new Set(["same"]));
    expect(outcomes.at(-1)).toBe("same");
  });

  test.each([
    ["the worker's file", "/dist/worker.js", /in place: its file could not be loaded/],
    ["a thread's file", "/dist/thread.js", isolated ? /A thread could not be started/ : /no cross-origin isolation/],
  ])("%s is missing: it works, and says so", async (_, missing, reason) => {
    const other = await serve({ isolated, files: { [missing]: null } });
    try {
      await open(other);
      const { label, stats } = await page.evaluate(async () => {
        const classifier = await resnetEdge.loadClassifier(undefined, { threads: 2 });
        const photo = await (await fetch("/examples/photos/cat.jpg")).blob();
        const [best] = await classifier.classify(photo);
        const { stats } = classifier;
        await classifier.close();
        return { label: best!.label, stats };
      });
      expect(label).toBe("cat");
      expect(stats.threads).toBe(1);
      expect(stats.threadsReason).toMatch(reason);
    } finally {
      other.close();
    }
  });

  test("a worker file elsewhere, by its URL", async () => {
    await open();
    const label = await page.evaluate(async () => {
      const classifier = await resnetEdge.loadClassifier(undefined, { worker: "dist/worker.js?elsewhere" });
      const photo = await (await fetch("/examples/photos/cat.jpg")).blob();
      return (await classifier.classify(photo))[0]!.label;
    });
    expect(label).toBe("cat");
    expect(page.workers().map((worker) => worker.url())).toContain(`${site.origin}/dist/worker.js?elsewhere`);
  });
});

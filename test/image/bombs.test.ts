import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { library, root } from "../built.js";
import { bombs } from "./bombs.js";

const cat = readFileSync(new URL("examples/photos/cat.jpg", root));

/** What became of a promise, by its error's name, and after how many milliseconds. */
async function outcome(promise: Promise<unknown>): Promise<[name: string, ms: number]> {
  const start = performance.now();
  const name = await promise.then(
    () => "answer",
    (error) => error.name as string,
  );
  return [name, performance.now() - start];
}

/** A worker decodes in the same process of its own: npm run test:full tries that too. */
const places = [["in place", false] as const, ...(process.env.FULL ? [["in a worker", "auto"] as const] : [])];

describe.each(places)("bombs in Node, %s", (_, worker) => {
  test("are answered or refused with a typed error, an abort ends each within 200 ms, and the next picture is answered", async () => {
    const classifier = await library.loadClassifier(undefined, { device: "cpu", worker });
    const [first] = await classifier.classify(cat);
    const wrong: string[] = [];
    let aborted = 0;
    for (const [name, bytes] of bombs()) {
      const [result, ms] = await outcome(classifier.classify(bytes));
      if (!["answer", "ImageDecodeError"].includes(result) || ms > 32_000) wrong.push(`${name}: ${result}, ${ms} ms`);
      const controller = new AbortController();
      const started = classifier.classify(bytes, { signal: controller.signal });
      const next = classifier.classify(cat);
      let at = Number.NaN;
      const timer = setTimeout(() => {
        at = performance.now();
        controller.abort();
      }, 10);
      const [end] = await outcome(started);
      if (end === "AbortError") {
        aborted++;
        const late = performance.now() - at;
        if (late > 200) wrong.push(`${name}: ended ${late} ms after its abort`);
      }
      clearTimeout(timer);
      const [best] = await next;
      if (best!.label !== first!.label) wrong.push(`${name}: the next picture is a ${best!.label}`);
    }
    await classifier.close();
    expect(wrong).toEqual([]);
    expect(aborted).toBeGreaterThan(0);
  });
});

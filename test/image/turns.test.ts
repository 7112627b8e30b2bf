import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { library, root } from "../built.js";

// Two pictures are decoded at a time, whatever the number of models; the others wait for their turn.
test("who waits for a decoder behind others that were given up gets a turn", async () => {
  const bytes = await readFile(new URL("examples/photos/cat.jpg", root));
  const load = () => library.loadClassifier(undefined, { worker: false, threads: 1, device: "cpu" });
  const [first, second, third] = await Promise.all([load(), load(), load()]);
  const answered = [first!.classify(bytes), first!.classify(bytes)];
  const gone = new AbortController();
  const givenUp = [1, 2].map(() => second!.classify(bytes, { signal: gone.signal }));
  const refused = Promise.allSettled(givenUp);
  answered.push(third!.classify(bytes));
  // A process takes longer to start.
  await sleep(5);
  gone.abort();
  for (const { status } of await refused) expect(status).toBe("rejected");
  for (const [best] of await Promise.all(answered)) expect(best!.label).toBe("cat");
  await Promise.all([first, second, third].map((it) => it!.close()));
}, 20_000);

import { expect, test } from "vitest";
import { Stacks } from "../../src/cli/archive/stacks.js";
import type { Stack } from "../../src/cpu/stacked.js";
import { COUNT } from "../../src/graph/stacked.js";
import type { Preprocess } from "../../src/options.js";

/** Answers each picture with its own first value, and with how many were in the stack. */
class FakeStack {
  readonly pictures: number[] = [];
  broken = false;
  looked = 0;

  get isFull() {
    return this.pictures.length === COUNT;
  }

  put(image: Float32Array) {
    this.pictures.push(image[0]!);
  }

  add() {
    this.pictures.push(this.looked);
  }

  run() {
    const pictures = this.pictures.splice(0);
    if (this.broken) throw new Error("the kernels stopped");
    return pictures.map((it) => Float32Array.of(it, pictures.length));
  }
}

function stacks() {
  const stack = new FakeStack();
  let passed = 0;
  const closed: string[] = [];
  const alone = {
    run: async (_: unknown, __: unknown, range?: object) => Float32Array.of(range ? -1 : -2),
    close: async () => void closed.push("alone"),
  };
  const it = new Stacks(stack as unknown as Stack, alone as unknown as Stacks, () => passed++);
  return { it, stack, closed, passed: () => passed };
}

const image = (value: number) => Float32Array.of(value);

test("a whole stack is answered at once, each picture with its own; each passes once", async () => {
  const { it, passed } = stacks();
  const images = Array.from({ length: COUNT + 1 }, (_, index) => image(index));
  const answers = images.map((one) => it.run(one));
  expect(await Promise.all(answers.slice(0, COUNT))).toEqual(
    Array.from({ length: COUNT }, (_, index) => Float32Array.of(index, COUNT)),
  );
  for (const one of images.slice(0, COUNT)) expect(it.tookOf(one)).toBeGreaterThanOrEqual(0);
  expect(it.tookOf(images[COUNT]!)).toBeUndefined();
  await it.finish();
  expect(await answers[COUNT]).toEqual(Float32Array.of(COUNT, 1));
  expect(passed()).toBe(COUNT + 1);
});

test("what nobody completes is answered after a while, and before the end", async () => {
  const { it, closed } = stacks();
  expect(await it.run(image(3))).toEqual(Float32Array.of(3, 1));
  const last = it.run(image(4));
  await it.close();
  expect(await last).toEqual(Float32Array.of(4, 1));
  expect(closed).toEqual(["alone"]);
});

test("a look's picture goes into the stack as it passed; a part of a run runs alone", async () => {
  const { it, stack } = stacks();
  const looked = it.run(image(1), async () => {
    stack.looked = 7;
    return Float32Array.of(-3);
  });
  expect(await it.run(image(2), undefined, { first: 0, last: 1 })).toEqual(Float32Array.of(-1));
  await it.finish();
  expect(await looked).toEqual(Float32Array.of(7, 1));
});

test("a picture is normalised when its turn comes, and its crop let go", async () => {
  const { it } = stacks();
  const spec = { mean: [0, 0, 0], std: [1, 1, 1] } as unknown as Preprocess;
  const picture = { rgb: Uint8Array.of(51, 0, 0) };
  const input = it.inputOf(picture, spec);
  expect(picture.rgb).toHaveLength(3);
  const answer = it.run(input);
  await it.finish();
  expect((await answer)[0]).toBeCloseTo(0.2, 6);
  expect(picture.rgb).toHaveLength(0);
  expect(it.tookOf(input)).toBeGreaterThanOrEqual(0);
});

test("kernels that stop fail the pictures of that stack alone", async () => {
  const { it, stack } = stacks();
  const failing = [it.run(image(1)), it.run(image(2))];
  stack.broken = true;
  await it.finish();
  for (const one of failing) await expect(one).rejects.toThrow("the kernels stopped");
  stack.broken = false;
  const next = it.run(image(3));
  await it.finish();
  expect(await next).toEqual(Float32Array.of(3, 1));
});

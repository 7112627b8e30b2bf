import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { inOrder } from "../src/base/in-order.js";
import { Room } from "../src/base/room.js";

const all = async <T>(results: AsyncIterable<T>) => {
  const list: T[] = [];
  for await (const it of results) list.push(it);
  return list;
};

test("results come in the items' order, whichever is done first, and so many are under way at most", async () => {
  let underWay = 0;
  let most = 0;
  const work = async (index: number) => {
    most = Math.max(most, ++underWay);
    await sleep(index % 3 === 0 ? 20 : 1);
    underWay--;
    return 10 * index;
  };
  const items = Array.from({ length: 20 }, (_, index) => index);
  expect(await all(inOrder(items, 4, work))).toEqual(items.map((index) => 10 * index));
  expect(most).toBe(4);
  expect(await all(inOrder([], 4, work))).toEqual([]);
});

test("a reader that waits holds up the source", async () => {
  let asked = 0;
  function* items() {
    for (;;) yield asked++;
  }
  const results = inOrder(items(), 3, async (index) => index);
  await results.next();
  await sleep(20);
  expect(asked).toBeLessThanOrEqual(4);
  await results.return();
});

test("a result does not wait for the item after it", async () => {
  async function* items() {
    yield 1;
    await new Promise(() => {});
  }
  const results = inOrder(items(), 3, async (index) => index);
  const first = await Promise.race([results.next(), sleep(1000)]);
  expect(first).toEqual({ done: false, value: 1 });
  // Nor does one who leaves.
  expect(await Promise.race([results.return(), sleep(1000, "late")])).toEqual({ done: true, value: undefined });
});

test("whoever leaves ends the source; a source's error comes behind the results before it", async () => {
  let ended = false;
  function* items() {
    try {
      yield 1;
      yield 2;
    } finally {
      ended = true;
    }
  }
  for await (const _ of inOrder(items(), 1, async (index) => index)) break;
  expect(ended).toBe(true);
  async function* failing() {
    yield 1;
    throw new Error("the source broke");
  }
  const results = inOrder(failing(), 3, async (index) => {
    await sleep(10);
    return index;
  });
  expect(await results.next()).toEqual({ done: false, value: 1 });
  await expect(results.next()).rejects.toThrow("the source broke");
});

test("work that fails is its reader's to hear of, in its turn", async () => {
  const results = inOrder([1, 2], 2, async (index) => {
    if (index === 2) throw new Error("two");
    await sleep(10);
    return index;
  });
  expect(await results.next()).toEqual({ done: false, value: 1 });
  await expect(results.next()).rejects.toThrow("two");
});

test("a room lets as many pass as it has place for, in their order, and more once it has grown", async () => {
  const room = new Room(1);
  const order: string[] = [];
  const task = (name: string) =>
    room.run(async () => {
      order.push(`${name} in`);
      await sleep(10);
      order.push(`${name} out`);
    });
  await Promise.all([task("a"), task("b"), task("c").catch(() => {})]);
  expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
  await expect(room.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  room.grow(2);
  order.length = 0;
  await Promise.all([task("a"), task("b")]);
  expect(order.slice(0, 2)).toEqual(["a in", "b in"]);
});

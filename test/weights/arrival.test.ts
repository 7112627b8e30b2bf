import { describe, expect, test } from "vitest";
import { Arrival } from "../../src/weights/arrival.js";
import { Delivery } from "./pieces.js";

const SLAB = 64;
const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * at + 3 * at) % 251);

function arrivalOf(delivery: Delivery, first = new Uint8Array(0)): Arrival {
  return new Arrival(delivery.body(), first, bytes.length, SLAB);
}

function read(arrival: Arrival, begin: number, end: number): Uint8Array {
  const target = new Uint8Array(end - begin);
  arrival.read(begin, target);
  return target;
}

/** Whatever a reader does of its own accord is done by then. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test.each([1, 7, 64, 1000])("pieces of %i: any stretch reads as it was sent, as often as wanted", async (size) => {
  const arrival = arrivalOf(new Delivery(bytes, size));
  for (const [begin, end] of [
    [0, 1],
    [60, 70],
    [3, 517],
    [999, 1000],
    [3, 517],
  ] as const) {
    await arrival.arrived(end);
    expect(read(arrival, begin, end)).toEqual(bytes.slice(begin, end));
  }
  await arrival.finished();
});

test("what the header brought along comes first", async () => {
  const delivery = new Delivery(bytes.slice(100), 50);
  const arrival = new Arrival(delivery.body(), bytes.slice(0, 100), bytes.length, SLAB);
  expect(read(arrival, 0, 100)).toEqual(bytes.slice(0, 100));
  await arrival.arrived(1000);
  expect(read(arrival, 90, 110)).toEqual(bytes.slice(90, 110));
});

describe("recycled", () => {
  // Small pieces are put together in slabs; larger ones are slabs.
  test.each([7, 10])("in pieces of %i what was read is let go, and what nobody claimed is not kept", async (size) => {
    const arrival = arrivalOf(new Delivery(bytes, size));
    arrival.claim(0, 100);
    arrival.claim(600, 1000);
    arrival.recycle();
    let most = 0;
    for (const [begin, end] of [
      [50, 100],
      [0, 50],
      [600, 640],
      [640, 1000],
    ] as const) {
      await arrival.arrived(end);
      most = Math.max(most, arrival.held);
      expect(read(arrival, begin, end)).toEqual(bytes.slice(begin, end));
    }
    // The last stretch alone lies in seven slabs.
    expect(most).toBeLessThanOrEqual(8 * SLAB);
    expect(arrival.held).toBe(0);
    expect(() => read(arrival, 0, 50)).toThrow(RangeError);
    await arrival.finished();
  });

  test("slabs that had come before that are let go as well", async () => {
    const arrival = arrivalOf(new Delivery(bytes, 7));
    arrival.claim(900, 1000);
    await arrival.arrived(1000);
    expect(arrival.held).toBeGreaterThanOrEqual(1000);
    arrival.recycle();
    expect(arrival.held).toBe(2 * SLAB);
    expect(read(arrival, 900, 1000)).toEqual(bytes.slice(900, 1000));
  });

  test("the file waits while slabs wait to be read, but never for somebody who waits for the file", async () => {
    const delivery = new Delivery(bytes, 10);
    const arrival = arrivalOf(delivery);
    arrival.claim(0, 1000);
    arrival.recycle();
    await settled();
    const ahead = delivery.delivered;
    expect(ahead).toBeLessThanOrEqual(5 * SLAB);
    // A tensor of which all is needed at once, longer than what is read ahead.
    await arrival.arrived(800);
    expect(read(arrival, 0, 800)).toEqual(bytes.slice(0, 800));
    await arrival.arrived(1000);
    expect(read(arrival, 800, 1000)).toEqual(bytes.slice(800));
    await arrival.finished();
  });
});

test("before slabs are reused a file comes no further than some of them, until it is asked for or they are", async () => {
  for (const goOn of ["asked", "reused"]) {
    const delivery = new Delivery(bytes, 10);
    const arrival = arrivalOf(delivery);
    arrival.claim(900, 1000);
    await settled();
    expect(delivery.delivered).toBeLessThanOrEqual(5 * SLAB);
    if (goOn === "asked") await arrival.arrived(500);
    else arrival.recycle();
    await settled();
    expect(delivery.delivered).toBeGreaterThanOrEqual(goOn === "asked" ? 500 : 1000);
    await arrival.arrived(1000);
    expect(read(arrival, 900, 1000)).toEqual(bytes.slice(900));
  }
});

test("a file that breaks off rejects whoever waits, and whoever asks later, but gives what is here", async () => {
  const arrival = arrivalOf(new Delivery(bytes, 10, 500));
  const waiting = arrival.arrived(501);
  const finished = arrival.finished();
  await expect(waiting).rejects.toMatchObject({ name: "SourceError", message: /broke off after 500 bytes/ });
  await expect(finished).rejects.toMatchObject({ name: "SourceError" });
  await expect(arrival.arrived(502)).rejects.toMatchObject({ name: "SourceError" });
  expect(read(arrival, 490, 500)).toEqual(bytes.slice(490, 500));
  expect(() => read(arrival, 490, 501)).toThrow(RangeError);
});

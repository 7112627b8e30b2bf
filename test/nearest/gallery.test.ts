import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ByteGallery } from "../../src/nearest/gallery.js";
import { root } from "../built.js";
import { generator as random } from "../random.js";

const kernel = await WebAssembly.compile(readFileSync(new URL("dist/nearest.wasm", root)));

/** All cosines in f64, by plain loops. */
function bruteForce(vectors: Float32Array, dimension: number, query: Float32Array, k: number) {
  const norm = (at: Float32Array) => Math.sqrt(at.reduce((sum, value) => sum + value * value, 0));
  return Array.from({ length: vectors.length / dimension }, (_, index) => {
    const row = vectors.subarray(index * dimension, (index + 1) * dimension);
    let sum = 0;
    for (let at = 0; at < dimension; at++) sum += row[at]! * query[at]!;
    return { index, similarity: sum / norm(row) / norm(query) };
  })
    .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
    .slice(0, k);
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const kinds = {
  random: (next: () => number) => () => normal(next),
  "pooled, none below zero": (next: () => number) => () => Math.max(1e-3, normal(next)) ** 2,
  "of very different sizes": (next: () => number) => () => normal(next) * 10 ** (6 * next() - 3),
};

test.each(Object.entries(kinds))("%s: the nearest are those of plain loops", (_, make) => {
  for (const [dimension, count] of [
    [512, 3000],
    [64, 5000],
    [7, 333],
    [1, 5],
  ] as const) {
    const value = make(random(dimension));
    const vectors = Float32Array.from({ length: dimension * count }, value);
    const gallery = new ByteGallery(kernel, dimension);
    // In parts, so that memory grows in between.
    const cut = dimension * Math.floor(count / 3);
    gallery.add(vectors.subarray(0, cut));
    gallery.add(vectors.subarray(cut));
    expect(gallery.length).toBe(count);
    for (let turn = 0; turn < 5; turn++) {
      const query = Float32Array.from({ length: dimension }, value);
      const expected = bruteForce(vectors, dimension, query, 10);
      const found = gallery.nearest(query, 10);
      expect(found.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
      for (const [at, { similarity }] of found.entries()) expect(similarity).toBeCloseTo(expected[at]!.similarity, 9);
    }
  }
});

test("clusters that differ by less than bytes can tell: the order is that of plain loops", () => {
  const [dimension, clusters, each] = [128, 20, 200];
  const next = random(7);
  const centres = Array.from({ length: clusters }, () => Float32Array.from({ length: dimension }, () => normal(next)));
  const vectors = new Float32Array(dimension * clusters * each);
  for (let index = 0; index < clusters * each; index++) {
    const centre = centres[index % clusters]!;
    for (let at = 0; at < dimension; at++) vectors[index * dimension + at] = centre[at]! + 1e-3 * normal(next);
  }
  const gallery = new ByteGallery(kernel, dimension);
  gallery.add(vectors);
  for (const centre of centres.slice(0, 5)) {
    const expected = bruteForce(vectors, dimension, centre, 50);
    expect(gallery.nearest(centre, 50).map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
  }
});

test("equal vectors come by index; fewer than k are all; an empty gallery has none", () => {
  const gallery = new ByteGallery(kernel, 3);
  expect(gallery.nearest(Float32Array.of(1, 0, 0))).toEqual([]);
  gallery.add(Float32Array.of(0, 2, 0, 1, 0, 0, 5, 0, 0, -1, 0, 0));
  expect(gallery.nearest(Float32Array.of(3, 0, 0), 9)).toEqual([
    { index: 1, similarity: 1 },
    { index: 2, similarity: 1 },
    { index: 0, similarity: 0 },
    { index: 3, similarity: -1 },
  ]);
});

test("what is no vector is refused, and nothing of it is kept", () => {
  const gallery = new ByteGallery(kernel, 2);
  gallery.add(Float32Array.of(1, 2));
  for (const wrong of [
    new Float32Array(0),
    Float32Array.of(1, 2, 3),
    Float32Array.of(1, 1, 0, 0),
    Float32Array.of(1, Number.NaN),
    Float32Array.of(Number.POSITIVE_INFINITY, 1),
    [1, 2] as never,
  ]) {
    expect(() => gallery.add(wrong)).toThrow(/vector|Vector/);
    expect(gallery.length).toBe(1);
  }
  expect(() => gallery.nearest(Float32Array.of(0, 0))).toThrow("The query has no direction");
  expect(() => gallery.nearest(Float32Array.of(1, 2, 3, 4))).toThrow("The query has 4 values");
  for (const k of [0, 1.5, Number.NaN]) expect(() => gallery.nearest(Float32Array.of(1, 2), k)).toThrow("k is");
  for (const dimension of [0, -1, 1.5, 8193]) expect(() => new ByteGallery(kernel, dimension)).toThrow("dimension is");
});

test("the largest sums that there are do not overflow", () => {
  const gallery = new ByteGallery(kernel, 8192);
  const ones = new Float32Array(8192).fill(1);
  gallery.add(ones);
  gallery.add(ones.map((value) => -value));
  const [first, second] = gallery.nearest(ones);
  expect(first!.similarity).toBeCloseTo(1, 9);
  expect(second!.similarity).toBeCloseTo(-1, 9);
});

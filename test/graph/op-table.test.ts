import { expect, test } from "vitest";
import type { Complete, KindsWith, OpKind, OpRow, OpTable } from "../../src/graph/op-table.js";

// The compiler does the test: an error that is expected and does not come is an error of `npm run types`.

/** How many tables it was given; what they are of must be complete. */
const count = <T extends { readonly [K in OpKind]: OpRow<K> }>(...tables: Complete<T>[]) => tables.length;

test("a table that lacks a kind, or whose row is untrue, does not compile", () => {
  expect(count<OpTable>()).toBe(0);
  // @ts-expect-error One kind is not there.
  count<Omit<OpTable, "blurPool">>();
  // @ts-expect-error A pool has no second input that could be a summand.
  count<Omit<OpTable, "maxPool"> & { maxPool: { summand: 1; macs: "none"; relu: false } }>();
  // @ts-expect-error An operation with weights has multiply-accumulates.
  count<Omit<OpTable, "linear"> & { linear: { summand: null; macs: "none"; relu: true } }>();
});

test("kinds are found by what their rows say", () => {
  const kinds: KindsWith<"macs", "weights">[] = ["conv", "linear"];
  // @ts-expect-error A pool has no weights.
  const other: KindsWith<"macs", "weights"> = "maxPool";
  expect(kinds satisfies OpKind[]).not.toContain(other);
});

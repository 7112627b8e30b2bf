import { describe, expect, test } from "vitest";
import { complaints, fixtures, inNode, noData, shared } from "./pictures.js";

test("Node has PIL's pixels, but where docs/pictures.md lists a difference", async () => {
  const results = new Map<string, number | string>();
  for (const picture of fixtures) results.set(picture.name, (await inNode(picture)).result);
  if (process.env.SHOW) console.log(JSON.stringify([...results].filter(([, result]) => result !== 0)));
  expect(results.size).toBeGreaterThan(70);
  expect(complaints("Node", results)).toEqual([]);
});

describe.skipIf(noData)(`odd images and photographs${noData}`, () => {
  test("plain and tagged Display P3, Node has PIL's pixels to the bit, but where listed", async () => {
    const results = new Map<string, number | string>();
    for (const picture of shared) results.set(picture.name, (await inNode(picture)).result);
    expect(results.size).toBeGreaterThanOrEqual(115);
    expect(complaints("Node", results)).toEqual([]);
  });
});

import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeEncoded, scaleFor } from "../../src/image/decode-encoded.js";
import { cropped } from "../../src/image/preprocess.js";
import { library, root } from "../built.js";

const spec = { resize: 256, crop: 224, interpolation: "bilinear", fast: true } as const;
const photo = fileURLToPath(new URL("examples/photos/rocket.jpg", root));
/** A large photograph: what is fine in it is noise of its own. */
const large = (orientation: number) =>
  sharp(photo).resize(2400, 1600, { fit: "fill" }).withMetadata({ orientation }).jpeg({ quality: 90 }).toBuffer();

test("a JPEG shrinks to no less than twice the size after the resize", () => {
  const of = (width: number, height: number) => scaleFor({ width, height }, spec);
  expect([of(500, 375), of(1023, 1023), of(1024, 1024), of(4000, 3000), of(4096, 4096), of(9000, 20_000)]).toEqual([
    1, 1, 2, 4, 8, 8,
  ]);
  const squash = { ...spec, resize: [100, 400] as const, mode: "squash" as const };
  expect(scaleFor({ width: 4000, height: 1000 }, squash)).toBe(4);
});

test.each([1, 6])("orientation %i: nearly the exact crop, of a smaller picture", async (orientation) => {
  const bytes = await large(orientation);
  const exact = await decodeEncoded(bytes, "it");
  const fast = await decodeEncoded(bytes, "it", null, spec);
  expect([fast.width, fast.height]).toEqual([exact.width / 2, exact.height / 2]);
  const [a, b] = [cropped(exact, spec), cropped(fast, spec)];
  const differences = Array.from(a, (value, at) => Math.abs(value - b[at]!));
  expect(differences.reduce((sum, it) => sum + it, 0) / a.length).toBeLessThan(1);
  expect(differences.reduce((most, it) => Math.max(most, it), 0)).toBeLessThan(30);
});

test("what is no JPEG, and small ones, are decoded exactly", async () => {
  const png = await sharp(await large(1))
    .png()
    .toBuffer();
  expect((await decodeEncoded(png, "it", null, spec)).width).toBe(2400);
  const small = await sharp(photo).jpeg().toBuffer();
  expect(await decodeEncoded(small, "it", null, spec)).toEqual(await decodeEncoded(small, "it"));
});

test(`decode: "fast" of a classifier: the class stays, the score nearly`, async () => {
  const bytes = await large(1);
  const answers = [];
  for (const decode of ["exact", "fast"] as const) {
    const classifier = await library.loadClassifier(undefined, { device: "cpu", decode });
    answers.push((await classifier.classify(bytes, { topK: 1 }))[0]!);
    await classifier.close();
  }
  expect(answers[1]!.label).toBe(answers[0]!.label);
  expect(Math.abs(answers[1]!.score - answers[0]!.score)).toBeLessThan(0.1);
  expect(answers[1]!.score).not.toBe(answers[0]!.score);
  await expect(library.loadClassifier(undefined, { decode: "quick" as never })).rejects.toThrow(/decode is "quick"/);
});

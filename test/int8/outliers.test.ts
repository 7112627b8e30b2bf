import { expect, test } from "vitest";
import { OUTLIER_BYTES, OUTLIER_HEADER_BYTES, outlierBytes } from "../../assembly/shared/sizes.js";
import { instantiate } from "../../src/cpu/module.js";
import { wasm } from "../cpu/engine.js";
import { generator } from "../random.js";

const [SOURCE, PANEL, OUTLIERS_AT] = [4096, 1 << 16, 1 << 17];
/** What i16 holds of products with 0..127. */
const MOST = Math.floor(32767 / 127);

/** Packs a panel of eight rows, [8][channels][taps], whose words have outliers apart; returns the panel as it would be, and as it is. */
async function packed(rows: Int8Array, channels: number, taps: number, depth: number) {
  const { memory, packIntegers } = await instantiate(
    await wasm("int8-relaxed"),
    new WebAssembly.Memory({ initial: 4 }),
  );
  new Int8Array(memory.buffer).set(rows, SOURCE);
  const bytes = 8 * taps * depth;
  const panel = () => new Int8Array(memory.buffer, PANEL, bytes).slice();
  packIntegers(SOURCE, PANEL, 8, channels, taps, depth, 4, 0);
  const whole = panel();
  packIntegers(SOURCE, PANEL, 8, channels, taps, depth, 4, OUTLIERS_AT);
  const room = outlierBytes((taps * depth) / 4);
  return { whole, left: panel(), outliers: new DataView(memory.buffer, OUTLIERS_AT, room), memory, room };
}

/** Words behind each of which another one follows in its tap, at every other word, where two neighbours of both sum to more than i16 holds. */
function wordsBeyond(panel: Int8Array, taps: number, depth: number): number[] {
  const words = depth / 4;
  const all = Array.from({ length: taps * words }, (_, word) => word);
  return all.filter((word) => {
    if ((word % words) % 2 === 1 || (word % words) + 1 === words) return false;
    return Array.from({ length: 16 }, (_, lane) => {
      const weights = [0, 1, 32, 33].map((at) => panel[32 * word + 2 * lane + at]!);
      const above = weights.reduce((sum, weight) => sum + Math.max(0, weight), 0);
      const below = weights.reduce((sum, weight) => sum - Math.min(0, weight), 0);
      return Math.max(above, below) > MOST;
    }).includes(true);
  });
}

const random = generator(5);
/** Sums of four: most are small, as a trained network's are. */
const weight = (largest: number) =>
  Math.trunc(Math.min(1, 0.25 * [1, 1, 1, 1].reduce((sum) => sum + 2 * random() - 1, 0)) * largest);

test.each([
  ["few", 64, 1, 64, 150],
  ["some", 256, 1, 256, 180],
  ["of nine taps, padded", 20, 9, 32, 150],
  ["of an odd count of words", 12, 9, 12, 150],
  ["of -128", 64, 1, 64, -128],
  ["too many", 64, 9, 64, 900],
] as const)("outliers, %s: what is left fits, and nothing is lost", async (_, channels, taps, depth, largest) => {
  let most = 0;
  for (let turn = 0; turn < 40; turn++) {
    const rows = Int8Array.from({ length: 8 * channels * taps }, () =>
      largest < 0 ? (random() < 0.1 ? largest : 3) : Math.max(-127, Math.min(127, weight(largest))),
    );
    const { whole, left, outliers, room } = await packed(rows, channels, taps, depth);
    const beyond = wordsBeyond(whole, taps, depth);
    const fits = OUTLIER_HEADER_BYTES + OUTLIER_BYTES * beyond.length <= room;
    expect(outliers.getInt32(0, true)).toBe(fits ? OUTLIER_BYTES * beyond.length : -1);
    most = Math.max(most, beyond.length);
    if (!fits) {
      expect(left).toEqual(whole);
      continue;
    }
    expect(wordsBeyond(left, taps, depth)).toEqual([]);
    const found = beyond.map((_, index) => {
      const at = OUTLIER_HEADER_BYTES + OUTLIER_BYTES * index;
      const word = ((outliers.getInt32(at + 32, true) / 16 + taps) * depth + outliers.getInt32(at + 36, true)) / 4;
      for (let byte = 0; byte < 32; byte++) {
        const own = outliers.getInt8(at + byte);
        expect(own === 0 || left[32 * word + byte] === 0).toBe(true);
        left[32 * word + byte]! += own;
      }
      return word;
    });
    expect(found).toEqual(beyond.map((word) => word + 1));
    expect(left).toEqual(whole);
  }
  expect(most).toBeGreaterThan(0);
});

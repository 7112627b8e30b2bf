import { expect, test } from "vitest";
import { toBfloat16, toFloat16 } from "../../src/quantize/half.js";

/** IEEE 754's definition of binary16, of finite patterns. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const magnitude = exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction);
  return bits & 0x8000 ? -magnitude : magnitude;
}

function bfloat(bits: number): number {
  return new DataView(Uint8Array.of(bits >> 8, bits & 255, 0, 0).buffer).getFloat32(0);
}

test.each([
  ["f16", toFloat16, half, 0x7bff],
  ["bf16", toBfloat16, bfloat, 0x7f7f],
] as const)(
  "%s: each number keeps its bits, and what lies between two goes to the nearest, ties to even",
  (_, to, from, most) => {
    for (let bits = 0; bits < most; bits++) {
      const [here, next] = [from(bits), from(bits + 1)];
      if (to(here) !== bits || to(-here) !== (bits | 0x8000)) throw new Error(`${here}: ${to(here)}, not ${bits}`);
      const middle = Math.fround((here + next) / 2);
      if (middle === here || middle === next) continue;
      expect(to(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
      const beyond = Math.fround(middle + (next - here) / 8);
      if (beyond > middle) expect(to(beyond)).toBe(bits + 1);
    }
  },
);

test("what is beyond f16 becomes an infinity", () => {
  expect([65504, 65519, 65520, 1e30, -1e30].map(toFloat16)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00]);
});

const single = new Float32Array(1);
const word = new Uint32Array(single.buffer);

/** The bits of the nearest bf16, ties to even. Of a finite number. */
export function toBfloat16(value: number): number {
  single[0] = value;
  const bits = word[0]!;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The bits of the nearest IEEE 754 binary16, ties to even; what is beyond 65504 becomes an infinity. Of a finite number. */
export function toFloat16(value: number): number {
  single[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const magnitude = Math.abs(single[0]);
  // In units of the last place, which is 2^-24 for what is subnormal there.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 1)));
  if (magnitude < 2 ** -14) return sign | nearestEven(magnitude * 2 ** 24);
  const steps = nearestEven(magnitude * 2 ** (10 - exponent));
  // A carry out of the fraction is one into the exponent: both lie side by side.
  const bits = ((exponent + 15) << 10) + (steps - 1024);
  return sign | Math.min(bits, 0x7c00);
}

function nearestEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

import { PACK_ROW as ROW } from "../shared/sizes";

/** Eight output channels of OIHW weights, [8][depth][taps], to one panel, [taps][depth][8]: read in their order, four at a time. */
export function packPanel(source: usize, target: usize, depth: i32, taps: i32): void {
  const rowBytes = <usize>(depth * taps) << 2;
  const quadsEnd = source + (rowBytes & ~15);
  const plane = <usize>depth << 5;
  const end = target + <usize>taps * plane;
  const back = <usize>taps * plane - 32;
  let at = target;
  let from = source;
  for (; from < quadsEnd; from += 16) {
    const row4 = from + (rowBytes << 2);
    const a = v128.load(from);
    const b = v128.load(from + rowBytes);
    const c = v128.load(from + (rowBytes << 1));
    const d = v128.load(row4 - rowBytes);
    const e = v128.load(row4);
    const f = v128.load(row4 + rowBytes);
    const g = v128.load(row4 + (rowBytes << 1));
    const h = v128.load(row4 + 3 * rowBytes);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const ef = v128.shuffle<f32>(e, f, 0, 4, 1, 5);
    const gh = v128.shuffle<f32>(g, h, 0, 4, 1, 5);
    at = putTwo(at, ab, cd, ef, gh, plane, end, back);
    const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    const ef2 = v128.shuffle<f32>(e, f, 2, 6, 3, 7);
    const gh2 = v128.shuffle<f32>(g, h, 2, 6, 3, 7);
    at = putTwo(at, ab2, cd2, ef2, gh2, plane, end, back);
  }
  // Groups of few channels leave a rest.
  for (const sourceEnd = source + rowBytes; from < sourceEnd; from += 4) {
    for (let lane: usize = 0, value = from; lane < 32; lane += 4, value += rowBytes) store<f32>(at + lane, load<f32>(value));
    at = next(at, plane, end, back);
  }
}

/** Two values of each of eight rows, [pair of rows][value][2], to where they go. Returns where the next one does. */
// @ts-ignore: decorator
@inline
function putTwo(at: usize, ab: v128, cd: v128, ef: v128, gh: v128, plane: usize, end: usize, back: usize): usize {
  v128.store(at, v128.shuffle<f64>(ab, cd, 0, 2));
  v128.store(at, v128.shuffle<f64>(ef, gh, 0, 2), 16);
  at = next(at, plane, end, back);
  v128.store(at, v128.shuffle<f64>(ab, cd, 1, 3));
  v128.store(at, v128.shuffle<f64>(ef, gh, 1, 3), 16);
  return next(at, plane, end, back);
}

/** Where a row's next value goes: to the next tap's plane, or back to the first one's next channel. */
// @ts-ignore: decorator
@inline
function next(at: usize, plane: usize, end: usize, back: usize): usize {
  const below = at + plane;
  return below < end ? below : below - back;
}

/**
 * One panel of 3x3 weights, [9][depth][8], to Winograd's domain, U = G g G', for F(4x4,3x3) or F(2x2,3x3) (Lavin & Gray
 * 2016, sections 4.1 and 4.3): point p of input channel c goes to target + p * plane + c * 32.
 */
export function packWinograd(panel: usize, target: usize, depth: i32, plane: usize, outputTile: i32, work: usize): void {
  // No kernel there takes this form.
  if (QUANTIZED) unreachable();
  const tap = <usize>depth << 5;
  const points = outputTile + 2;
  for (let half: usize = 0; half < 32; half += 16) {
    for (let channel = 0; channel < depth; channel++) {
      const at = panel + (<usize>channel << 5) + half;
      const to = target + (<usize>channel << 5) + half;
      for (let column: usize = 0; column < 3; column++) {
        const g = at + column * tap;
        spread(v128.load(g), v128.load(g + 3 * tap), v128.load(g + 6 * tap), work + (column << 4), ROW, outputTile);
      }
      for (let row = 0; row < points; row++) {
        const g = work + <usize>(row * ROW);
        const line = to + <usize>(row * points) * plane;
        spread(v128.load(g), v128.load(g, 16), v128.load(g, 32), line, plane, outputTile);
      }
    }
  }
}

/** G times (g0, g1, g2): 6 or 4 values, `step` bytes apart. */
function spread(g0: v128, g1: v128, g2: v128, to: usize, step: usize, outputTile: i32): void {
  if (outputTile == 4) {
    const sixth = f32x4.splat(<f32>(-1.0 / 6));
    const even = f32x4.mul(f32x4.add(g0, g2), sixth);
    const odd = f32x4.mul(g1, sixth);
    const outer = f32x4.add(f32x4.mul(g0, f32x4.splat(<f32>(1.0 / 24))), f32x4.mul(g2, f32x4.splat(<f32>(1.0 / 6))));
    const inner = f32x4.mul(g1, f32x4.splat(<f32>(1.0 / 12)));
    v128.store(to, f32x4.mul(g0, f32x4.splat(0.25)));
    v128.store(to + step, f32x4.add(even, odd));
    v128.store(to + 2 * step, f32x4.sub(even, odd));
    v128.store(to + 3 * step, f32x4.add(outer, inner));
    v128.store(to + 4 * step, f32x4.sub(outer, inner));
    v128.store(to + 5 * step, g2);
    return;
  }
  const half = f32x4.splat(0.5);
  const even = f32x4.mul(f32x4.add(g0, g2), half);
  const odd = f32x4.mul(g1, half);
  v128.store(to, g0);
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  v128.store(to + 3 * step, g2);
}

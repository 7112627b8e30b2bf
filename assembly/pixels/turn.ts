/** Writes a row of `width` pixels of four bytes from `target` on, `step` bytes apart: a row of a picture that lies on its side, or a mirrored one. */
export function scatter(row: usize, width: i32, target: usize, step: i32): void {
  for (let x = 0; x < width; x++) {
    store<u32>(target, load<u32>(row + (<usize>x << 2)));
    target += step;
  }
}

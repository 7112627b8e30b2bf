/**
 * `rows` of eight output channels of integer weights, [rows][channels][taps], to their places in a panel, [tap][depth / side][8][side].
 * Other bytes of the panel stay as they are.
 */
export function packIntegers(source: usize, target: usize, rows: i32, channels: i32, taps: i32, depth: i32, side: i32): void {
  if (!QUANTIZED) unreachable();
  const step = <usize>side << 3;
  const stride = <usize>(taps * side);
  for (let row = 0; row < rows; row++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let place = 0; place < side; place++) {
        let from = source + <usize>(place * taps + tap);
        let to = target + <usize>(((tap * depth) << 3) + row * side + place);
        for (const end = source + <usize>(channels * taps); from < end; from += stride) {
          store<u8>(to, load<u8>(from));
          to += step;
        }
      }
    }
    source += <usize>(channels * taps);
  }
}

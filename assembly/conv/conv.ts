import { askFor, askForNoMore } from "../gemm/ahead";
import { blockHeight, blocksOf, multiply, paddedRows, panelsTogether } from "../gemm/multiply";
import { finish, mostOf } from "../extended/activation";
import { ConvField, Field } from "../shared/record";
import { leastOf } from "../base/simd";
import { pointerBytes } from "../shared/sizes";
import { boundBy, residualOf } from "../gemm/store";
import { word } from "../base/words";

/**
 * f32 direct convolution of any size, stride, padding, dilation and group count, as an implicit GEMM: a table of pointers
 * to the input pixels under each tap (Dukhan 2019, "The Indirect Convolution Algorithm").
 *
 * Input and output NHWC; weights in panels of 8 output channels, [group][panel][tap][depth][8].
 * One piece of work is `rowsPerPiece` output pixels by `panelsPerPiece` panels.
 */
export function f32_conv(record: usize, piece: i32, scratch: usize): void {
  const panels = word(record, ConvField.panels);
  const panelsPerPiece = word(record, ConvField.panelsPerPiece);
  const across = (panels + panelsPerPiece - 1) / panelsPerPiece;
  const rowsPerPiece = word(record, ConvField.rowsPerPiece);
  const pixels = word(record, Field.outHeight) * word(record, Field.outWidth);
  const firstPixel = (piece / across) * rowsPerPiece;
  const lastPixel = min(firstPixel + rowsPerPiece, pixels);
  const firstPanel = (piece % across) * panelsPerPiece;
  const lastPanel = min(firstPanel + panelsPerPiece, panels);

  const taps = word(record, ConvField.kernelHeight) * word(record, ConvField.kernelWidth);
  writePointers(record, firstPixel, lastPixel, taps, scratch);

  const tile = word(record, Field.tile);
  const depth = word(record, ConvField.depth);
  const groupOut = word(record, ConvField.groupOut);
  const groupPanels = word(record, ConvField.groupPanels);
  const step = <usize>word(record, Field.outStep) << 2;
  const output = <usize>word(record, Field.output) + <usize>firstPixel * step;
  const residual = residualOf(record);
  const rows = lastPixel - firstPixel;
  const work = scratch + pointerBytes(rows, taps);
  const least = leastOf(word(record, Field.relu));

  // Other kernels store what is no output yet by the same code.
  if (EXTENDED) boundBy(mostOf(record));
  const weights = <usize>word(record, Field.weights);
  const panelBytes = <usize>(taps * depth) << 5;
  const noted = <usize>word(record, Field.firstBytes);
  const together = panelsTogether(tile);

  for (let panel = firstPanel; panel < lastPanel; ) {
    const group = panel / groupPanels;
    const count = min(lastPanel, (group + 1) * groupPanels) - panel;
    const within = (panel - group * groupPanels) << 3;
    const b = weights + <usize>panel * panelBytes;
    if (noted && count > together) {
      // Always one step ahead: the first block of rows reads a whole panel.
      const following = count - together;
      const turns = ((following + together - 1) / together) * blocksOf(tile, rows);
      askFor(1, b + <usize>together * panelBytes, 0, 1, 0, <usize>following * panelBytes, weights, noted, turns);
    }
    multiply(
      tile,
      scratch,
      rows,
      taps,
      depth,
      <usize>(group * depth) << 2,
      work,
      b,
      count,
      <usize>word(record, Field.bias) + (<usize>panel << 5),
      32,
      output + (<usize>(group * groupOut + within) << 2),
      step,
      groupOut - within,
      residual,
      least,
    );
    if (EXTENDED) {
      const columns = min(count << 3, groupOut - within);
      finish(record, output + (<usize>(group * groupOut + within) << 2), rows, step, <usize>columns << 2);
    }
    panel += count;
  }
  askForNoMore();
  if (EXTENDED) boundBy(Infinity);
}

/** The table for `multiply`. A tap outside the image points at zeros; a missing pixel repeats the last. */
export function writePointers(record: usize, first: i32, last: i32, taps: i32, table: usize): void {
  const outWidth = word(record, Field.outWidth);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const inStep = <usize>word(record, Field.inStep) << 2;
  const kernelHeight = word(record, ConvField.kernelHeight);
  const kernelWidth = word(record, ConvField.kernelWidth);
  const strideHeight = word(record, ConvField.strideHeight);
  const strideWidth = word(record, ConvField.strideWidth);
  const padHeight = word(record, ConvField.padHeight);
  const padWidth = word(record, ConvField.padWidth);
  const dilationHeight = word(record, ConvField.dilationHeight);
  const dilationWidth = word(record, ConvField.dilationWidth);
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);

  // Windows that begin in front of these lie within the image; the bytes from tap to tap, and that all of them span.
  const insideY = inHeight - (kernelHeight - 1) * dilationHeight;
  const insideX = inWidth - (kernelWidth - 1) * dilationWidth;
  const across = <usize>dilationWidth * inStep;
  const down = <usize>(dilationHeight * inWidth) * inStep;
  const wide = <usize>kernelWidth * across;
  const high = <usize>kernelHeight * down;

  const tile = word(record, Field.tile);
  const rows = last - first;
  const padded = paddedRows(tile, rows);
  let outY = first / outWidth;
  let outX = first - outY * outWidth;
  for (let block = 0; block < padded; ) {
    const height = blockHeight(tile, rows, block);
    const step = <usize>height << 2;
    for (const end = block + height; block < end; block++, table += 4) {
      let slot = table;
      let y = outY * strideHeight - padHeight;
      const left = outX * strideWidth - padWidth;
      if (y >= 0 && y < insideY && left >= 0 && left < insideX) {
        let line = input + <usize>(y * inWidth + left) * inStep;
        for (const below = line + high; line < below; line += down) {
          for (let at = line, right = line + wide; at < right; at += across) {
            store<u32>(slot, <u32>at);
            slot += step;
          }
        }
      } else {
        for (let ky = 0; ky < kernelHeight; ky++, y += dilationHeight) {
          let x = left;
          const inside = <u32>y < <u32>inHeight;
          const row = input + <usize>(y * inWidth) * inStep;
          for (let kx = 0; kx < kernelWidth; kx++, x += dilationWidth) {
            store<u32>(slot, <u32>(inside && <u32>x < <u32>inWidth ? row + <usize>x * inStep : zeros));
            slot += step;
          }
        }
      }
      if (block >= rows - 1) continue;
      outX++;
      if (outX < outWidth) continue;
      outX = 0;
      outY++;
    }
    table += step * <usize>(taps - 1);
  }
}

import { f32_activation } from "../pointwise/activation";
import { f32_conv } from "../conv/conv";
import { f32_add, f32_affine, f32_l2_normalize, f32_softmax, f32_zero_pad_shortcut } from "../pointwise/elementwise";
import { executeExtended } from "../extended/execute";
import { executeQuantized } from "../int8/execute";
import { f32_input_nchw } from "../pointwise/input";
import { f32_average_pool, f32_blur_pool, f32_max_pool } from "../pointwise/pool";
import { Field, Kernel } from "../shared/record";
import { f32_conv7x7s2_winograd4 } from "../stem/stem";
import { f32_conv7x7s2_winograd4_input } from "../stem/input";
import { f32_conv1x1_strassen } from "../conv/strassen";
import { Sync } from "../shared/sync";
import { announce, awaitNext, endLeft, finish, firstLeft, MOST_PIECES, operation, take } from "./threads";
import { f32_winograd, f32_winograd_input, f32_winograd_output, f32_winograd_product } from "../winograd/winograd";
import { f32_conv3x3_winograd4_lean, f32_conv3x3_winograd4_lean_input } from "../winograd/lean";
import { letGo } from "../base/held";
import { word } from "../base/words";

/** The interpreter of a compiled program: records [first, last) from address `program`, one after the other. */
export function run(program: usize, first: i32, last: i32, scratch: usize): void {
  for (let index = first; index < last; index++) {
    const record = recordAt(program, index);
    const pieces = word(record, Field.pieces);
    if (QUANTIZED) letGo();
    for (let piece = 0; piece < pieces; piece++) execute(record, piece, scratch);
  }
}

/** As `run`, shared with the threads that `serve` at the same `sync`. False where one of them died. */
export function runTogether(program: usize, first: i32, last: i32, scratch: usize, sync: usize): bool {
  if (!ASC_FEATURE_THREADS) return false;
  const begin = operation(sync) + 1;
  const end = begin + (last - first);
  atomic.store<i32>(sync + Sync.offset, first - begin);
  atomic.store<i32>(sync + Sync.last, last);
  announce(sync, begin, piecesOf(recordAt(program, first)));
  while (true) {
    const present = takePart(program, scratch, sync, false);
    if (present == end) return true;
    if (!awaitNext(sync, present, false)) return false;
  }
}

/** A helper thread's loop: takes part in every run, with its own scratch, until a thread dies. `last`: it takes pieces from the back. */
export function serve(program: usize, scratch: usize, sync: usize, last: bool): void {
  if (!ASC_FEATURE_THREADS) return;
  while (awaitNext(sync, takePart(program, scratch, sync, last), true)) {}
}

/** Computes free pieces, operation after operation, until none is free. Returns the number of the last operation seen. */
function takePart(program: usize, scratch: usize, sync: usize, last: bool): i32 {
  let seen = -1;
  while (true) {
    const ticket = take(sync, last);
    const present = <i32>(ticket >> 32);
    const first = firstLeft(ticket);
    const end = endLeft(ticket);
    if (first == end) return present;
    // The operation cannot end before this piece does, so `offset` still belongs to this run.
    const index = present + atomic.load<i32>(sync + Sync.offset);
    const record = recordAt(program, index);
    const pieces = word(record, Field.pieces);
    const share = shareOf(pieces);
    const begin = (last ? end - 1 : first) * share;
    if (QUANTIZED && present != seen) {
      letGo();
      seen = present;
    }
    for (let piece = begin; piece < min(begin + share, pieces); piece++) execute(record, piece, scratch);
    if (finish(sync, piecesOf(record))) {
      const isLast = index + 1 == atomic.load<i32>(sync + Sync.last);
      announce(sync, present + 1, isLast ? 0 : piecesOf(recordAt(program, index + 1)));
    }
  }
}

/** Pieces of a record that a thread takes together: one, unless a ticket cannot count them all. */
// @ts-ignore: decorator
@inline
function shareOf(pieces: i32): i32 {
  return (pieces + MOST_PIECES - 1) / MOST_PIECES;
}

// @ts-ignore: decorator
@inline
function piecesOf(record: usize): i32 {
  const pieces = word(record, Field.pieces);
  const share = shareOf(pieces);
  return (pieces + share - 1) / share;
}

// @ts-ignore: decorator
@inline
function recordAt(program: usize, index: i32): usize {
  return program + (<usize>(index * Field.size) << 2);
}

function execute(record: usize, piece: i32, scratch: usize): void {
  if (EXTENDED && executeExtended(word(record, Field.kernel), record, piece, scratch)) return;
  if (QUANTIZED) {
    if (executeQuantized(word(record, Field.kernel), record, piece, scratch)) return;
  } else if (executeLarge(word(record, Field.kernel), record, piece, scratch)) return;
  switch (word(record, Field.kernel)) {
    case Kernel.conv:
      f32_conv(record, piece, scratch);
      return;
    case Kernel.stemInput:
      f32_conv7x7s2_winograd4_input(record, piece, scratch);
      return;
    case Kernel.stem:
      f32_conv7x7s2_winograd4(record, piece, scratch);
      return;
    case Kernel.winogradLean:
      f32_conv3x3_winograd4_lean(record, piece, scratch);
      return;
    case Kernel.winogradLeanInput:
      f32_conv3x3_winograd4_lean_input(record, piece, scratch);
      return;
    case Kernel.inputNchw:
      f32_input_nchw(record, piece);
      return;
    case Kernel.maxPool:
      f32_max_pool(record, piece);
      return;
    case Kernel.averagePool:
      f32_average_pool(record, piece);
      return;
    case Kernel.affine:
      f32_affine(record, piece);
      return;
    case Kernel.add:
      f32_add(record, piece);
      return;
    case Kernel.zeroPadShortcut:
      f32_zero_pad_shortcut(record, piece);
      return;
    case Kernel.softmax:
      f32_softmax(record, piece);
      return;
    case Kernel.leakyRelu:
    case Kernel.relu6:
    case Kernel.silu:
    case Kernel.gelu:
    case Kernel.elu:
      f32_activation(record, piece);
      return;
    case Kernel.blurPool:
      f32_blur_pool(record, piece);
      return;
    case Kernel.l2Normalize:
      f32_l2_normalize(record, piece);
      return;
    default:
      unreachable();
  }
}

/**
 * Kernels that the modules with integers do without, as they do without pairs of f32 panels: few of such a network's layers are f32. False
 * where the record is none of these.
 */
function executeLarge(kernel: i32, record: usize, piece: i32, scratch: usize): bool {
  switch (kernel) {
    case Kernel.winograd:
      f32_winograd(record, piece, scratch);
      return true;
    case Kernel.winogradInput:
      f32_winograd_input(record, piece, scratch);
      return true;
    case Kernel.winogradProduct:
      f32_winograd_product(record, piece, scratch);
      return true;
    case Kernel.winogradOutput:
      f32_winograd_output(record, piece, scratch);
      return true;
    case Kernel.strassen:
      f32_conv1x1_strassen(record, piece, scratch);
      return true;
    default:
      return false;
  }
}

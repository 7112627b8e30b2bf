import { f32_conv } from "./conv";
import { f32_add, f32_affine, f32_softmax, f32_zero_pad_shortcut } from "./elementwise";
import { f32_input_nchw } from "./input";
import { f32_average_pool, f32_max_pool } from "./pool";
import { Field, Kernel } from "./record";
import { f32_conv7x7s2_winograd4x1, f32_conv7x7s2_winograd4x1_input } from "./stem";
import { Sync } from "./sync";
import { meet, take } from "./threads";
import { f32_winograd, f32_winograd_input, f32_winograd_output, f32_winograd_product } from "./winograd";
import { f32_conv3x3s2_winograd } from "./winograd-stride2";
import { word } from "./words";

/**
 * The interpreter of a compiled program: records [first, last) from address `program`, one after the other.
 * The same list serves one thread or many: with more than one, each runs this with its own scratch and the same `sync`.
 * False where another thread died.
 */
export function run(program: usize, first: i32, last: i32, scratch: usize, sync: usize, threads: i32): bool {
  for (let index = first; index < last; index++) {
    const record = program + (<usize>(index * Field.size) << 2);
    const tiles = word(record, Field.tiles);
    if (ASC_FEATURE_THREADS && threads > 1) {
      const counter = record + (<usize>Field.next << 2);
      for (let tile = take(counter); tile < tiles; tile = take(counter)) execute(record, tile, scratch);
      if (!meet(sync, counter, threads)) return false;
    } else {
      for (let tile = 0; tile < tiles; tile++) execute(record, tile, scratch);
    }
  }
  return true;
}

// Some half a millisecond: what the caller needs between two inferences of a stream.
const IDLE_SPINS: i32 = 400_000;

/** A helper thread's life: sleep until a run starts, take part in it, sleep again. Returns once a thread died or `stop` came. */
export function serve(program: usize, scratch: usize, sync: usize, threads: i32, seen: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  while (true) {
    let spins = IDLE_SPINS;
    while (atomic.load<i32>(sync + Sync.job) == seen) {
      if (atomic.load<i32>(sync + Sync.failed)) return;
      if (--spins < 0) atomic.wait<i32>(sync + Sync.job, seen, -1);
    }
    seen = atomic.load<i32>(sync + Sync.job);
    if (atomic.load<i32>(sync + Sync.failed)) return;
    const first = atomic.load<i32>(sync + Sync.first);
    const last = atomic.load<i32>(sync + Sync.last);
    if (!run(program, first, last, scratch, sync, threads)) return;
  }
}

/** Starts the helpers on records [first, last) and takes part. */
export function runTogether(
  program: usize,
  first: i32,
  last: i32,
  scratch: usize,
  sync: usize,
  threads: i32,
): bool {
  if (!ASC_FEATURE_THREADS) return false;
  atomic.store<i32>(sync + Sync.first, first);
  atomic.store<i32>(sync + Sync.last, last);
  atomic.add<i32>(sync + Sync.job, 1);
  atomic.notify(sync + Sync.job, -1);
  return run(program, first, last, scratch, sync, threads);
}

function execute(record: usize, tile: i32, scratch: usize): void {
  switch (word(record, Field.kernel)) {
    case Kernel.conv:
      f32_conv(record, tile, scratch);
      return;
    case Kernel.winograd:
      f32_winograd(record, tile, scratch);
      return;
    case Kernel.winogradInput:
      f32_winograd_input(record, tile, scratch);
      return;
    case Kernel.winogradProduct:
      f32_winograd_product(record, tile, scratch);
      return;
    case Kernel.winogradOutput:
      f32_winograd_output(record, tile, scratch);
      return;
    case Kernel.stemInput:
      f32_conv7x7s2_winograd4x1_input(record, tile, scratch);
      return;
    case Kernel.stem:
      f32_conv7x7s2_winograd4x1(record, tile, scratch);
      return;
    case Kernel.winogradStride2:
      f32_conv3x3s2_winograd(record, tile, scratch);
      return;
    case Kernel.inputNchw:
      f32_input_nchw(record, tile);
      return;
    case Kernel.maxPool:
      f32_max_pool(record, tile);
      return;
    case Kernel.averagePool:
      f32_average_pool(record, tile);
      return;
    case Kernel.affine:
      f32_affine(record, tile);
      return;
    case Kernel.add:
      f32_add(record, tile);
      return;
    case Kernel.zeroPadShortcut:
      f32_zero_pad_shortcut(record, tile);
      return;
    case Kernel.softmax:
      f32_softmax(record);
      return;
    default:
      unreachable();
  }
}

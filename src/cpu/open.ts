import { throwIfAborted } from "../errors.js";
import type { Graph } from "../graph/network.js";
import { type CpuEngine, WasmEngine } from "./engine.js";
import { instantiate, variantOf } from "./module.js";
import { NearlyDone } from "./nearly-done.js";
import type { CpuOptions } from "./options.js";
import { packAll } from "./pack/pack-all.js";
import { fromPacked, unpackable } from "./pack/unpack.js";
import type { Program } from "./program/program.js";
import { TILE_BESIDE_INTEGERS, tiles, useTile } from "./program/tiles.js";
import { loadTuner, programIn, reserve } from "./reserve.js";
import { compileOptions, type MemorySetting, settle } from "./settle.js";
import type { ThreadChoice } from "./threads/choose-threads.js";
import { keptTuning, type Tuning } from "./tune/kept-tuning.js";
import { trialOf } from "./tune/tile-trials.js";

/** Needed for files of integers alone. */
export const loadIntegers = () => import("./int8/open.js");
/** Needed for networks beside the plain ResNets alone. */
const loadExtended = () => import("./extended/open.js");

/** Compiles a network, packs its weights into a wasm memory of its own, and starts its threads. */
export async function createCpuEngine<G extends Graph>(network: G, options: CpuOptions): Promise<CpuEngine<G>> {
  const engine = await open(network, options);
  if (engine) return engine;
  const obstacle = "the given module of kernels takes no shared memory";
  const alone = await open(network, { ...options, threadSupport: { ...options.threadSupport!, obstacle } });
  return alone!;
}

/** Null where the module takes no shared memory, and would have to. */
async function open<G extends Graph>(network: G, given: CpuOptions): Promise<CpuEngine<G> | null> {
  const settled = settle(network, given);
  const extended = settled.extended && !settled.int8 && (await loadExtended());
  const options = extended ? { ...given, lower: extended.lowerExtended } : given;
  const isShared = settled.choice.threads > 1;
  const fetched = options.wasm(variantOf(settled, isShared));
  // The `await` below hears of a failure.
  fetched.catch(() => {});
  const integers = settled.int8
    ? await (await loadIntegers()).openIntegers(network, await fetched, settled, isShared, options)
    : undefined;
  if (integers === null) return null;
  const optionsFor = ({ threads }: ThreadChoice, memory: MemorySetting) =>
    compileOptions(options, memory, threads, integers);
  // The few f32 layers beside integers are not worth a measurement, nor more tiles than one.
  const tuningFor = async (choice: ThreadChoice, memory: MemorySetting): Promise<Tuning | null> =>
    integers
      ? { tile: TILE_BESIDE_INTEGERS, kernels: {} }
      : keptTuning(
          network,
          optionsFor(choice, memory),
          variantOf(settled, choice.threads > 1),
          settled.tile,
          options.store,
        );
  const early = await tuningFor(settled.choice, settled.memory);
  throwIfAborted(options.signal);

  const { memory, choice, notes, setting, planned } = await reserve(network, options, settled, early, integers);
  const shared = choice.threads > 1;
  const variant = variantOf(settled, shared);
  const module = await (shared === isShared ? fetched : options.wasm(variant));
  throwIfAborted(options.signal);
  const kernels = await instantiate(module, memory).catch((error) => {
    if (!shared) throw error;
    return null;
  });
  if (!kernels) return null;
  if (extended) extended.assertExtended(kernels, variant);

  const compiling = optionsFor(choice, setting);
  const isWanted = choice === settled.choice && setting === settled.memory;
  const known = isWanted ? early : await tuningFor(choice, setting);
  const { tuning, measurements } = known
    ? { tuning: known, measurements: 0 }
    : await (await loadTuner()).tune(network, compiling, variant, kernels, settled.tile, options.store);
  throwIfAborted(options.signal);

  const program = planned ?? programIn(network, { ...compiling, ...tuning }, memory);
  new Int32Array(memory.buffer, program.recordsAt, program.records.length).set(program.records);
  useTile(memory, program, tiles[tuning.tile]);
  const engine = new WasmEngine({
    network: readableAgain(network, program, memory, options.readAgain),
    program,
    module,
    kernels,
    choice,
    notes,
    support: options.threadSupport,
    relaxed: settled.relaxed,
    integers: integers?.name,
    tile: tuning.tile,
    trial: trialOf(network, program, settled),
    measurements,
    nearlyDone: nearlyDone(program, choice.threads, options),
  });
  try {
    // Threads come up while weights are packed.
    await Promise.all([engine.assemble(), packAll(program, kernels, network.arriving, options)]);
    // Packing leaves values in the arena; padding lanes are read before a program has written all of them.
    new Uint8Array(memory.buffer, program.stagingAt, program.stagingBytes).fill(0);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** The network with weights that are read from where they are packed; `again`: others are kept for another reader. */
function readableAgain<G extends Graph>(
  network: G,
  program: Program,
  memory: WebAssembly.Memory,
  again: boolean | undefined,
): G {
  const jobs = unpackable(network, program);
  if (again) for (const { weight } of program.jobs) if (!jobs.has(weight.read)) weight.keep?.();
  return fromPacked(network, jobs, memory);
}

function nearlyDone({ steps }: Program, threads: number, { threadSupport, onNearlyDone }: CpuOptions) {
  const crowded = threads > 1 && threads >= threadSupport!.cores;
  return onNearlyDone && new NearlyDone(steps, crowded, onNearlyDone);
}

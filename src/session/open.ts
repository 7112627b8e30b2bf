import { isKind } from "../base/kind.js";
import type { CpuEngine } from "../cpu/engine.js";
import type { Variant } from "../cpu/module.js";
import { createCpuEngine, loadIntegers } from "../cpu/open.js";
import { likelyVariant } from "../cpu/settle.js";
import { throwIfAborted } from "../errors.js";
import type { Network } from "../graph/network.js";
import { compileKernels, fetchKernels } from "../host/fetch-kernels.js";
import type { Host, ModelBody, ModelFiles } from "../host/host.js";
import { assumedOf, statedOf } from "../model/assumed.js";
import { openNetwork } from "../model/build.js";
import { modelCard } from "../model/card.js";
import { preprocessFor } from "../model/preprocess.js";
import type { LoadOptions, ModelSource, Progress } from "../options.js";
import { CpuFirst } from "../schedule/cpu-first.js";
import { openSource } from "../source/open.js";
import { openWeights, readWeights } from "../weights/index.js";
import { checkOptions } from "./check-options.js";
import { labelsFor } from "./classify.js";
import { keepsIntegers } from "./keeps-integers.js";
import { gpuOpener } from "./open-gpu.js";
import { SessionInPlace } from "./session.js";

/** Opens a session in this thread. `note`: why it is here, for the stats. `create`: makes the CPU's engine. */
export async function openInPlace(
  host: Host,
  source: ModelSource,
  options: LoadOptions = {},
  ...rest: [note?: string, onNearlyDone?: () => void, create?: typeof createCpuEngine]
): Promise<SessionInPlace> {
  checkOptions(options);
  const kernels = kernelsFor(host, source, options);
  const opened = await openSource(host, source, options);
  try {
    throwIfAborted(options.signal);
    return await openModel(host, opened, options, kernels, ...rest);
  } catch (error) {
    if ("body" in opened) opened.body.cancel();
    throw error;
  }
}

async function openModel(
  host: Host,
  opened: ModelFiles | ModelBody,
  options: LoadOptions,
  kernels: (variant: Variant) => Promise<WebAssembly.Module>,
  note?: string,
  onNearlyDone?: () => void,
  create = createCpuEngine,
): Promise<SessionInPlace> {
  const state = await ("body" in opened
    ? openWeights(opened.body, host, options.inputSize)
    : readWeights(opened.bytes, opened.origin, host, options.inputSize));
  throwIfAborted(options.signal);
  const card = modelCard(state, opened.files);
  const { device = "auto", precision } = options;
  const network = await openNetwork(state, { ...options, card, integers: keepsIntegers(options, host) }, host);
  const preprocess = preprocessFor(network, card, options.preprocess);
  const { channels } = network.values[network.output]!;
  const labels = labelsFor(options.labels ?? card.labels, channels, network.architecture.scores);
  let cpu: CpuEngine<Network> | null = null;
  // A GPU reads the weights after the CPU's first answer, from the CPU's memory where it can.
  const openGpu = await gpuOpener(() => cpu!.network, host, options);
  state.arrival?.recycle();
  cpu = await create(network, {
    ...options,
    readAgain: openGpu !== undefined,
    threadSupport: host.threadSupport,
    store: host.store,
    note,
    onNearlyDone,
    wasm: kernels,
    onProgress: options.onProgress && packProgress(options.onProgress, opened),
  });
  const loadScheduler = async () => (await host.loadGpu()).Scheduler;
  const scheduler = new CpuFirst({
    cpu,
    device,
    precision,
    openers: { gpu: openGpu },
    store: host.store,
    loadScheduler,
  });
  try {
    const onProgress = (loaded: number, total: number) => options.onProgress?.({ phase: "gpu", loaded, total });
    await scheduler.start({ signal: options.signal, onProgress });
    options.onProgress?.({ phase: "ready", loaded: 1, total: 1 });
  } catch (error) {
    await scheduler.close();
    throw error;
  }
  const stated = statedOf(card.architecture, options.architecture);
  const isStated =
    (!stated || Object.keys(stated).length > 0) && (options.preprocess?.mean ?? card.preprocess.mean) !== undefined;
  return new SessionInPlace(
    cpu.network,
    preprocess,
    labels,
    assumedOf(network, stated),
    scheduler,
    host,
    options.gpuDevice,
    opened.origin,
    isStated ? undefined : async () => new (await host.loadCheck()).Watch(cpu!, preprocess),
    options.decode === "fast",
    card.none,
  );
}

/** Tells of packing once the file is here: what is packed before that is told as its bytes. */
function packProgress(onProgress: (progress: Progress) => void, opened: ModelFiles | ModelBody) {
  let reading = true;
  return (loaded: number, total: number) => {
    if ("body" in opened && !opened.body.ended) return;
    const bytes = "body" in opened ? opened.body.loaded : opened.bytes.length;
    if (reading) onProgress({ phase: "read", loaded: bytes, total: bytes });
    reading = false;
    onProgress({ phase: "prepare", loaded, total });
  };
}

/**
 * Gives out modules of kernels; the likeliest one is fetched at once, beside the model, and not after it. A model whose address has
 * "int8" in it is taken to be of integers: where that is wrong, one module is fetched for nothing.
 */
function kernelsFor(
  host: Host,
  source: ModelSource,
  options: LoadOptions,
): (variant: Variant) => Promise<WebAssembly.Module> {
  const { wasm } = options;
  if (wasm !== undefined) return () => compileGiven(wasm);
  const alone = likelyVariant(options, host.threadSupport);
  if (!alone) return host.wasm;
  const named = isKind(source, "String", "URL") && /int8/.test(`${source}`);
  const likely: Variant = named && keepsIntegers(options, host) ? `int8-${alone}` : alone;
  const early = host.wasm(likely);
  // Code would come behind all that has come of the model until then.
  const needed = likely === alone ? [early] : [early, host.loadIntegers(), loadIntegers()];
  // The caller that awaits it hears of a failure. A load that fails earlier has an error of its own.
  for (const it of needed) it.catch(() => {});
  return (variant) => (variant === likely ? early : host.wasm(variant));
}

async function compileGiven(wasm: NonNullable<LoadOptions["wasm"]>): Promise<WebAssembly.Module> {
  if (isKind(wasm, "WebAssembly.Module")) return wasm;
  if (isKind(wasm, "String", "URL")) return fetchKernels(wasm);
  return compileKernels(wasm as BufferSource);
}

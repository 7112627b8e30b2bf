import { WasmError } from "../errors.js";
import { MAX_WASM_BYTES } from "../limits.js";

/** What a module of kernels has. */
export interface Traits {
  /** Kernels for integers as well. */
  readonly int8: boolean;
  /** Kernels for operations beside the plain ResNets'; with `int8`, for depthwise convolutions of integers. */
  readonly extended?: boolean;
  /** Relaxed SIMD. */
  readonly relaxed: boolean;
}

/** Names a module by its traits: hosts find its file by it, and measurements are kept under it. Nothing is told from its parts. */
export type Variant = `${"" | "int8-"}${"" | "extended-"}${"baseline" | "relaxed"}${"" | "-threads"}`;

/** `shared`: it takes shared memory, for threads. */
export function variantOf({ int8, extended, relaxed }: Traits, shared: boolean): Variant {
  return `${int8 ? "int8-" : ""}${extended ? "extended-" : ""}${relaxed ? "relaxed" : "baseline"}${shared ? "-threads" : ""}`;
}

/** What a module of kernels exports; see assembly/. Addresses are byte offsets into `memory`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  /** Runs records [first, last) in this thread. */
  run(program: number, first: number, last: number, scratch: number): void;
  /** As `run`, with the threads that `serve`; 0 where one of them died. */
  runTogether(program: number, first: number, last: number, scratch: number, sync: number): number;
  serve(program: number, scratch: number, sync: number, last: number): void;
  packPanel(source: number, target: number, depth: number, taps: number): void;
  packWinograd(panel: number, target: number, depth: number, plane: number, outputTile: number, work: number): void;
  /** Of modules with integers. */
  packIntegers(
    source: number,
    target: number,
    rows: number,
    channels: number,
    taps: number,
    depth: number,
    side: number,
    outliers: number,
  ): void;
  /** Notes the bytes that the cache lines of [from, end) begin with at `to`. */
  noteFirstBytes(from: number, end: number, to: number): void;
  peak(rounds: number): number;
  /** `rounds` products of `TRIAL_FLOPS` each (assembly/shared/sizes.ts) with a `Tile`, in 32 KB at `at`. */
  trial(tile: number, at: number, rounds: number): void;
}

/**
 * A module that holds nothing but one relaxed_madd: () -> v128. Engines without relaxed SIMD reject it whole, as they would
 * the real one.
 */
// biome-ignore format: the sections of the module, one a line
const RELAXED_PROBE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b,
  0x03, 0x02, 0x01, 0x00,
  0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x85, 0x02, 0x0b,
]);

export function hasRelaxedSimd(): boolean {
  const probe = RELAXED_PROBE.slice();
  // Section and body sizes follow from what comes after them.
  probe[20] = probe.length - 21;
  probe[22] = probe.length - 23;
  return WebAssembly.validate(probe);
}

/** Throws `WasmError` where no WebAssembly memory can be so large. Takes none. */
export function refuseTooLarge(bytes: number): void {
  if (bytes <= MAX_WASM_BYTES) return;
  throw new WasmError(
    `This network would take ${(bytes / 1e9).toFixed(1)} GB of memory, and WebAssembly has ${(MAX_WASM_BYTES / 1e9).toFixed(1)} GB at most. ` +
      "State a smaller inputSize, or take a narrower network.",
  );
}

/** One memory a model: it goes when the engine closes. What is reserved is what can be needed: phones refuse more. */
export function createMemory(bytes: number, most: number, shared: boolean): WebAssembly.Memory {
  const [initial, maximum] = [Math.ceil(bytes / 65536), Math.ceil(Math.min(most, MAX_WASM_BYTES) / 65536)];
  try {
    return new WebAssembly.Memory({ initial, maximum, shared });
  } catch (cause) {
    throw new WasmError(
      `${Math.ceil(bytes / 1e6)} MB of WebAssembly memory could not be had. Close other models, or load with memory: "small".`,
      { cause },
    );
  }
}

export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    return { ...(exports as unknown as Omit<Kernels, "memory">), memory };
  } catch (cause) {
    throw new WasmError(
      `The kernels could not be started: ${(cause as Error).message}. The wasm file must be this version's own.`,
      { cause },
    );
  }
}

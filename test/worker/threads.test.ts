import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import type { CpuOptions } from "../../src/cpu/options.js";
import { planMemory } from "../../src/cpu/reserve.js";
import type { ThreadSupport } from "../../src/cpu/threads/choose-threads.js";
import type { Network } from "../../src/graph/network.js";
import type { Store } from "../../src/host/store.js";
import { buildNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { nodeWorker } from "../../src/worker/handle/node.js";
import { root } from "../built.js";
import { engineFor, modules, wasm } from "../cpu/engine.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { generator } from "../random.js";

const started: Worker[] = [];
const support: ThreadSupport = {
  start() {
    const worker = new Worker(new URL("dist/node-thread.js", root));
    started.push(worker);
    return nodeWorker(worker);
  },
  cores: 2,
  obstacle: null,
};
const nobody: ThreadSupport = { ...support, start: () => nodeWorker(new Worker(new URL("dist/nothing.js", root))) };

afterEach(() => {
  vi.restoreAllMocks();
  started.length = 0;
});

function inputFor(network: Network, seed: number): Float32Array {
  const { channels, height, width } = network.values[network.input]!;
  const next = generator(seed);
  return Float32Array.from({ length: channels * height * width }, () => next() * 2 - 1);
}

const networks: [string, () => Network][] = [
  ...networkFixtures.map(({ name, size }): [string, () => Network] => [
    name,
    () => buildNetwork(fixtureState(name), { inputSize: size }),
  ]),
  ["resnet18 on 64 x 64", () => pseudoRandomNetwork("resnet18", { inputSize: 64, classes: 10 })],
  ["resnet50 on 72 x 72", () => pseudoRandomNetwork("resnet50", { inputSize: 72, classes: 10 })],
  ["resnext50 on 33 x 33", () => pseudoRandomNetwork("resnext50_32x4d", { inputSize: 33, classes: 10 })],
];

describe.each(modules)("many threads give what one gives, to the bit: %s", (simd) => {
  const check = async (network: Network, options: Partial<CpuOptions> = {}) => {
    const last = network.stages.length - 1;
    const inputs = [1, 2, 3].map((seed) => inputFor(network, seed));
    // With the same kernels: a choice that was measured may differ from the next.
    let kept: string | null = null;
    const store: Store = {
      get: async () => kept,
      set: async (_, value) => {
        kept ??= value;
      },
    };
    const one = await engineFor(network, { simd, store, ...options });
    const expected: Float32Array[] = [];
    for (const input of inputs) expected.push((await one.run(0, last, input)).slice());
    for (const threads of [2, 3]) {
      const engine = await engineFor(network, { simd, threads, threadSupport: support, store, ...options });
      expect(engine.stats).toMatchObject({ threads, threadsReason: `${threads} were asked for` });
      for (const [index, input] of inputs.entries()) {
        expect((await engine.run(0, last, input)).slice()).toEqual(expected[index]);
      }
      await engine.close();
    }
    await one.close();
  };

  test.each(networks)("%s", (_, make) => check(make()));

  // Tiles in groups of different sizes, which share V by slices of channels or, two panels at a time, by tiles.
  test.each(["4x8", "6x8", "6x16"] as const)("filters made between products, tile %s", (tile) =>
    check(pseudoRandomNetwork("resnet18", { inputSize: 144, classes: 10 }), { convolution: "winograd4-lean", tile }),
  );
});

test("a thousand runs, by stages, without a slip", async () => {
  const network = pseudoRandomNetwork("resnet20-cifar");
  const last = network.stages.length - 1;
  const input = inputFor(network, 7);
  const one = await engineFor(network);
  const expected = (await one.run(0, last, input)).slice();
  const engine = await engineFor(network, { threads: 2, threadSupport: support });
  for (let run = 0; run < 500; run++) {
    const middle = (await engine.run(0, 1, input)).slice();
    expect((await engine.run(2, last, middle)).slice()).toEqual(expected);
  }
  await engine.close();
  await one.close();
});

describe("how many, and why", () => {
  const small = pseudoRandomNetwork("resnet20-cifar");
  const large = pseudoRandomNetwork("resnet18", { inputSize: 96, classes: 10 });
  test.each<[string, Network, object, number, RegExp]>([
    ["as asked", small, { threads: 2, threadSupport: support }, 2, /^2 were asked for$/],
    ["one", large, { threads: 1, threadSupport: support }, 1, /asked/],
    ["a small network", small, { threadSupport: { ...support, cores: 4 } }, 1, /too small/],
    ["a large one", large, { threadSupport: support }, 2, /^2 cores are reported$/],
    ["no more than eight", large, { threadSupport: { ...support, cores: 64 } }, 8, /^64 cores are reported$/],
    ["one core", large, { threadSupport: { ...support, cores: 1 } }, 1, /one core/],
    ["an obstacle", large, { threads: 4, threadSupport: { ...support, obstacle: "walls" } }, 1, /^walls$/],
    ["a host without threads", large, { threads: 4 }, 1, /no threads/],
    ["threads that do not start", large, { threads: 2, threadSupport: nobody }, 1, /could not be started/],
  ])("%s", async (_, network, options, threads, reason) => {
    const engine = await createCpuEngine(network, { wasm, ...options });
    expect(engine.stats.threads).toBe(threads);
    expect(engine.stats.threadsReason).toMatch(reason);
    const input = inputFor(network, 1);
    expect((await engine.run(0, network.stages.length - 1, input)).every(Number.isFinite)).toBe(true);
    await engine.close();
  });

  test("a module without threads, given by the caller", async () => {
    const given = () => wasm("baseline");
    const engine = await createCpuEngine(large, { wasm: given, simd: "baseline", threads: 2, threadSupport: support });
    expect(engine.stats.threads).toBe(1);
    expect(engine.stats.threadsReason).toMatch(/takes no shared memory/);
    await engine.close();
  });
});

describe("faults", () => {
  const network = pseudoRandomNetwork("resnet20-cifar");
  const last = network.stages.length - 1;
  const input = inputFor(network, 3);

  async function faulty(threads: number) {
    const engine = await engineFor(network, { threads, threadSupport: support });
    const expected = (await engine.run(0, last, input)).slice();
    const { kernels, program } = engine as unknown as {
      kernels: { memory: WebAssembly.Memory };
      program: { recordsAt: number };
    };
    const words = new Int32Array(kernels.memory.buffer, program.recordsAt);
    return { engine, expected, words };
  }

  test.each([1, 2, 3])(
    "an operation that traps, with %i threads: that run rejects, the next is right",
    async (threads) => {
      const { engine, expected, words } = await faulty(threads);
      for (const record of [0, 5, 11]) {
        const at = record * Field.size + Field.kernel;
        const kernel = words[at]!;
        words[at] = 999;
        await expect(engine.run(0, last, input)).rejects.toMatchObject({
          name: threads === 1 ? "WasmError" : "WorkerError",
        });
        words[at] = kernel;
        expect((await engine.run(0, last, input)).slice()).toEqual(expected);
        expect(engine.stats.threads).toBe(threads);
      }
      await engine.close();
    },
  );

  test("a thread that dies between two runs costs neither", async () => {
    const { engine, expected } = await faulty(2);
    await started.at(-1)!.terminate();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await engine.run(0, last, input)).slice()).toEqual(expected);
    expect(engine.stats.threads).toBe(2);
    await engine.close();
  });

  test("a thread that dies without a word while others wait: that run rejects, the next is right", async () => {
    const { engine, expected } = await faulty(2);
    // Terminated, but the event that tells of it comes only after the run.
    started.at(-1)!.terminate();
    const failure = await engine.run(0, last, input).then(
      () => null,
      (error) => error,
    );
    if (failure) expect(failure.name).toBe("WorkerError");
    expect((await engine.run(0, last, input)).slice()).toEqual(expected);
    await engine.close();
  });

  test("threads that do not come back: one goes on, and says why", async () => {
    let allowed = true;
    const fickle: ThreadSupport = { ...support, start: () => (allowed ? support : nobody).start() };
    const engine = await engineFor(network, { threads: 2, threadSupport: fickle });
    const expected = (await engine.run(0, last, input)).slice();
    allowed = false;
    await started.at(-1)!.terminate();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await engine.run(0, last, input)).slice()).toEqual(expected);
    expect(engine.stats.threads).toBe(1);
    expect(engine.stats.threadsReason).toMatch(/could not be started/);
    await engine.close();
  });
});

describe("memory that cannot be had", () => {
  const network = pseudoRandomNetwork("resnet18", { inputSize: 96, classes: 10 });

  /** Memories of more than `pages` pages, or shared ones, are refused. */
  function refuse(pages: number, shared: boolean) {
    const { Memory } = WebAssembly;
    class Refusing {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        if (descriptor.initial > pages || (shared && descriptor.shared)) throw new RangeError("no memory");
        // biome-ignore lint/correctness/noConstructorReturn: it stands in for a constructor.
        return new Memory(descriptor);
      }
    }
    vi.spyOn(WebAssembly, "Memory").mockImplementation(Refusing as never);
  }

  test("a smaller one does", async () => {
    const pages = planMemory(network, { threads: 2 }).total / 65536;
    refuse(pages - 1, false);
    const engine = await engineFor(network, { threads: 2, threadSupport: support });
    expect(engine.stats.threads).toBe(2);
    expect(engine.stats.threadsReason).toMatch(/MB of shared memory could not be had/);
    expect(engine.stats.wasmBytes / 65536).toBeLessThan(pages);
    await engine.close();
  });

  test("one that is not shared does", async () => {
    refuse(1e9, true);
    const engine = await engineFor(network, { threads: 2, threadSupport: support });
    expect(engine.stats.threads).toBe(1);
    expect(engine.stats.threadsReason).toMatch(/shared memory could not be had/);
    await engine.close();
  });

  test("none: a typed error, and the next load works", async () => {
    refuse(1, false);
    await expect(engineFor(network)).rejects.toMatchObject({ name: "WasmError", message: /could not be had/ });
    vi.restoreAllMocks();
    await (await engineFor(network)).close();
  });
});

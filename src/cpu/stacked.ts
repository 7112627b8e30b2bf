import { Field } from "../../assembly/shared/record.js";
import { isExtended } from "../graph/extended-op.js";
import type { Graph, ValueId, ValueShape } from "../graph/network.js";
import { COUNT, type Stacked, stackLast } from "../graph/stacked.js";
import { withoutPadding } from "../graph/tensor.js";
import type { CpuEngine } from "./engine.js";
import { StackedLowering, type StackedRecord } from "./lower/stacked.js";
import type { Inside } from "./observe.js";
import { createCpuEngine } from "./open.js";
import type { CpuOptions } from "./options.js";
import { valueBytes } from "./program/drafts.js";
import type { Place, Step } from "./program/program.js";
import { planMemory } from "./reserve.js";
import { isSmall } from "./tune/kept-tuning.js";

/** Of the memory that the tables' kernels take. */
const LARGEST = 1.5;

/** The rows of two pictures run at least: kernels add in another order where there are fewer. */
const LEAST = 2;

/** Opens an engine that runs a network's last stages on several pictures at a time as well (graph/stacked.ts). */
export class Stacking {
  /** Null before `open`, and where no stage of the network is worth it. */
  stack: Stack | null = null;

  /** `onPacking`: called once all is chosen and reserved, with the bytes of memory that the engine takes, or somewhat more. */
  constructor(private readonly onPacking: (bytes: number) => void = () => {}) {}

  /** As `createCpuEngine`, for one thread. The engine's own `run` takes one picture, as any other. */
  readonly open = async <G extends Graph>(network: G, given: CpuOptions): Promise<CpuEngine<G>> => {
    const { memory } = given;
    let isPacking = false;
    const onProgress = (loaded: number, total: number) => {
      // What is chosen by measurement may take more than what the tables choose.
      if (!isPacking && !isExtended(network)) this.onPacking(LARGEST * planMemory(network, { memory }).total);
      isPacking = true;
      given.onProgress?.(loaded, total);
    };
    const options = { ...given, onProgress };
    const stacked = !isExtended(network) && !isSmall(network) && stackLast(network);
    if (!stacked) return createCpuEngine(network, options);
    const { lower, recordOf } = new StackedLowering(stacked);
    const engine = await createCpuEngine<Graph>(stacked.graph, {
      ...options,
      lower,
      onNearlyDone: undefined,
    });
    const stack = new Stack(stacked, await engine.inside(), recordOf);
    this.stack = stack;
    const { stages, values } = network;
    return {
      device: "cpu",
      network: { ...network, stages: engine.network.stages.slice(0, stages.length) },
      get stats() {
        return engine.stats;
      },
      async run(first, last, input) {
        const result = await engine.run(first, last, input);
        if (last < stages.length - 1) return result;
        const { height, width, channels } = values[network.output]!;
        return withoutPadding(result, height * width, channels);
      },
      inside: async () => stack.inside,
      profile: (...all) => engine.profile(...all),
      measureRoof: () => engine.measureRoof(),
      measureTiles: () => engine.measureTiles(),
      close: () => engine.close(),
    };
  };
}

/** Rows between two pictures, to be filled with zeros once the records before `end` have run. */
interface Gap {
  readonly end: number;
  /** That above them. */
  readonly picture: number;
  readonly at: number;
  readonly bytes: number;
}

/** With their places in the program. */
type Records = readonly (readonly [index: number, record: StackedRecord])[];

/** Pictures on their way through a network: each through the first stages by itself, all of them together through the last ones. */
export class Stack {
  /** The engine as for one picture; what passes the first stages in a look becomes the next of the stack with `add`. */
  readonly inside: Inside;
  /** Pictures that are in it. */
  size = 0;
  /** What the stacked stage leaves, while the head reads one picture's of it after the other. */
  readonly #left: Uint8Array;
  readonly #gaps: readonly Gap[];
  readonly #records: Records;
  /** Pictures that the records take now. */
  #taken = COUNT;

  constructor(
    private readonly stacked: Stacked,
    private readonly engine: Inside,
    recordOf: (step: Step) => StackedRecord | undefined,
  ) {
    const { graph, first } = stacked;
    const { program } = engine;
    const stages = graph.stages.length - 1;
    const end = program.stages[first - 1]!.end;
    this.#left = new Uint8Array(valueBytes(this.#shape(graph.stages[stages]!.output)));
    this.#records = program.steps.flatMap((step, index) => {
      const record = recordOf(step);
      return record ? [[index, record] as const] : [];
    });
    this.#gaps = gapsOf(stacked, engine, this.#records);
    this.#clear();
    this.inside = {
      ...engine,
      network: { ...engine.network, stages: engine.network.stages.slice(0, stages) },
      program: {
        ...program,
        steps: program.steps.slice(0, program.stages[stages]!.begin),
        outputs: program.outputs.slice(0, stages),
      },
      execute: (begin, to) => {
        if (begin >= end || to < end) engine.execute(begin, to);
        else {
          engine.execute(begin, end);
          this.#take();
          if (to > end) engine.execute(end, to);
        }
      },
    };
  }

  get isFull(): boolean {
    return this.size === COUNT;
  }

  /** `image`: planes, normalised. Runs it through the first stages. The stack must not be full. */
  put(image: Float32Array): void {
    this.engine.write(0, image);
    this.engine.execute(0, this.engine.program.stages[this.stacked.first - 1]!.end);
    this.#take();
    this.add();
  }

  /** Keeps what passed the first stages last. */
  add(): void {
    this.size++;
  }

  #take(): void {
    const { first, input } = this.stacked;
    const values = this.#output(first - 1);
    const row = values.length / input.height;
    this.#input().set(values, this.size * input.period * row);
  }

  /** Of the stacked stage. */
  #input(): Uint8Array {
    const { program } = this.engine;
    const { stages } = this.stacked.graph;
    return this.#bytes(program.inputs[stages.length - 1]!, stages.at(-1)!.input);
  }

  #output(stage: number): Uint8Array {
    return this.#bytes(this.engine.program.outputs[stage]!, this.stacked.graph.stages[stage]!.output);
  }

  #bytes({ at }: Place, value: ValueId): Uint8Array {
    return new Uint8Array(this.engine.memory.buffer, at, valueBytes(this.#shape(value)));
  }

  #shape(value: ValueId): ValueShape {
    return this.stacked.graph.values[value]!;
  }

  /** Between pictures there must be zeros. */
  #clear(): void {
    this.#input().fill(0);
  }

  /** The records' rows become those of the first `count` pictures. */
  #limit(count: number): void {
    if (count === this.#taken) return;
    const { memory, program } = this.engine;
    for (const [index, { words }] of this.#records) {
      const record = new Int32Array(memory.buffer, program.recordsAt + 4 * index * Field.size, Field.size);
      Object.assign(record, words[count - 1]);
    }
    this.#taken = count;
  }

  /** The logits of each picture, without padding. The stack is empty then, also where the kernels stop. */
  run(): Float32Array[] {
    const { graph, last, output } = this.stacked;
    const { program, memory } = this.engine;
    const count = this.size;
    this.size = 0;
    const head = last + 1;
    const stage = graph.stages.length - 1;
    const left = this.#left;
    try {
      this.#runStage(stage, count);
      // The head's values may lie where the stack's do.
      left.set(this.#output(stage));
    } finally {
      this.#clear();
    }
    const row = left.length / (COUNT * output.period);
    const { height, width, channels } = graph.values[graph.output]!;
    return Array.from({ length: count }, (_, index) => {
      const from = index * output.period * row;
      const input = this.#bytes(program.inputs[head]!, graph.stages[head]!.input);
      input.set(left.subarray(from, from + output.height * row));
      this.engine.execute(program.stages[head]!.begin, program.stages[stage - 1]!.end);
      const { at, length } = program.outputs[stage - 1]!;
      return withoutPadding(new Float32Array(memory.buffer, at, length), height * width, channels).slice();
    });
  }

  #runStage(stage: number, count: number): void {
    const { program, memory } = this.engine;
    this.#limit(Math.max(LEAST, count));
    let { begin } = program.stages[stage]!;
    for (const { end, picture, at, bytes } of this.#gaps) {
      if (picture >= count) continue;
      if (end > begin) this.engine.execute(begin, end);
      begin = end;
      new Uint8Array(memory.buffer, at, bytes).fill(0);
    }
    this.engine.execute(begin, program.stages[stage]!.end);
  }
}

/** In the order in which they come about. */
function gapsOf({ graph, separated }: Stacked, { program }: Inside, records: Records): Gap[] {
  const gaps: Gap[] = [];
  for (const [op, { height, period }] of separated) {
    // An operation's last record is the one that stores its output.
    const [index] = records.findLast(([, record]) => record.op === op)!;
    const rowBytes = valueBytes({ ...graph.values[op.output]!, height: 1 });
    const at = program.records[index * Field.size + Field.output]!;
    for (let picture = 0; picture < COUNT; picture++) {
      const from = at + (picture * period + height) * rowBytes;
      gaps.push({ end: index + 1, picture, at: from, bytes: (period - height) * rowBytes });
    }
  }
  return gaps;
}

import { Queue } from "../base/queue.js";
import { type Accelerator, type DeviceName, type Engine, type GpuInput, isWritable, type Range } from "../engine.js";
import { GpuInputError } from "../errors.js";
import { allFinite } from "./all-finite.js";
import type { Stretch } from "./planner.js";

/** An inference on the CPU that looks at what comes between. */
export type Look = (input: Float32Array) => Promise<Float32Array>;

/** What one inference took. */
export interface Spent {
  /** On each device that had a part. */
  readonly ms: { [Name in DeviceName]?: number };
  /** Whether its input was written on the accelerator itself. */
  written: boolean;
}

/** One image, and where its stages run. */
export interface Placement {
  readonly input: Float32Array | GpuInput;
  /** All stages unless stated. */
  readonly range?: Range | undefined;
  readonly stretch: Stretch;
  /** Of the stretch's device; null where it is not there any more. */
  readonly accelerator: Accelerator | null;
  readonly look: Look | undefined;
  /** Told where the accelerator fails. */
  readonly onFault: (message: string) => void;
}

/** Runs the stages of an image on their devices. Every device has a queue; whatever an accelerator does, the CPU answers. */
export class Placing {
  readonly #queues = new Map<DeviceName, Queue>();

  constructor(
    private readonly cpu: Engine,
    devices: readonly DeviceName[],
    private readonly now: () => number,
  ) {
    for (const device of ["cpu", ...devices] as const) this.#queues.set(device, new Queue());
  }

  /** On the CPU alone, without a clock. */
  onCpu(input: Float32Array, look?: Look, { first, last }: Range = this.#whole): Promise<Float32Array> {
    return this.#queue("cpu").run(() => (look ? look(input) : this.#run(first, last, input)));
  }

  /** One step of a measurement, between two inferences, with all devices to itself. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    // Always in one order: two of them cannot wait for each other.
    const queues = [...this.#queues.values()];
    return queues.reduceRight((inner, queue) => () => queue.run(inner), task)();
  }

  /** Logits of one image, or what the range's last stage makes; they are the caller's. */
  async run(placement: Placement): Promise<{ readonly logits: Float32Array; readonly spent: Spent }> {
    const spent: Spent = { ms: {}, written: false };
    return { logits: await this.#place(placement, spent), spent };
  }

  async #place(placement: Placement, spent: Spent): Promise<Float32Array> {
    const { input, range = this.#whole, accelerator, look, onFault } = placement;
    const { first, last } = range;
    const stretch = within(placement.stretch, range);
    const timed = (device: DeviceName, task: () => Promise<Float32Array>) =>
      this.#queue(device).run(async () => {
        const start = this.now();
        const output = await task();
        spent.ms[device] = (spent.ms[device] ?? 0) + this.now() - start;
        return output;
      });
    const onCpu = (first: number, end: number, activation: Float32Array) =>
      timed("cpu", () => this.#run(first, end, activation));
    const read = async () => (input instanceof Float32Array ? input : input.read());
    const written =
      stretch?.first === 0 && accelerator && isWritable(accelerator) && !(input instanceof Float32Array)
        ? () => input.run(accelerator, stretch.last)
        : null;
    // An image that the accelerator reads itself is not brought here for a look.
    if (look && !written) {
      const image = await read();
      const looked = await this.#queue("cpu").run(() => look(image));
      if (!stretch || !accelerator) return looked;
    }
    if (!stretch || !accelerator) return onCpu(first, last, await read());
    // Kept until the accelerator has answered: where it fails, the CPU goes on from here.
    const entering = written ? null : await read();
    const activation = entering && stretch.first > 0 ? await onCpu(0, stretch.first - 1, entering) : entering;
    const rest = async () => onCpu(stretch.first, last, activation ?? (await read()));
    // WGSL may take NaN and infinities for anything ("Differences from IEEE-754" in its text); the CPU carries them to the logits, which say so.
    if (activation && !allFinite(activation)) return rest();
    let leaving: Float32Array;
    try {
      leaving = await timed(stretch.device, () =>
        activation ? accelerator.run(stretch.first, stretch.last, activation) : written!(),
      );
      spent.written = written !== null;
    } catch (error) {
      if (!(error instanceof GpuInputError)) onFault((error as Error).message);
      return rest();
    }
    if (!allFinite(leaving)) {
      const logits = await rest();
      // Else it is the input that is no number.
      if (allFinite(logits)) onFault("it gave a value that is no number");
      return logits;
    }
    return stretch.last === last ? leaving : onCpu(stretch.last + 1, last, leaving);
  }

  get #whole(): Range {
    return { first: 0, last: this.cpu.network.stages.length - 1 };
  }

  #queue(device: DeviceName): Queue {
    return this.#queues.get(device)!;
  }

  /** The result is the caller's. */
  async #run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    return (await this.cpu.run(first, last, input)).slice();
  }
}

/** What of a stretch lies in a range; nothing of one that begins behind the network's first stage. */
function within(stretch: Stretch, { first, last }: Range): Stretch {
  if (!stretch || first > 0 || stretch.first > last) return null;
  return { ...stretch, last: Math.min(stretch.last, last) };
}

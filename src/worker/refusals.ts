// What callers are told who ask a worker for what it cannot do: few do, and it comes then.
import { GpuInputError, OptionError } from "../errors.js";

export const refuseBuffer = () =>
  new GpuInputError(
    "A GPUBuffer cannot be sent to the model's worker: load the model with gpuDevice, the device that made it.",
  );

export const refuseWorker = (worker: unknown) =>
  new OptionError(`worker is ${worker}; it must be "auto", false, or the URL of worker.js.`);

import { DeviceUnavailableError } from "../errors.js";
import { adapterName, isSoftware, messageOf, probeGpu } from "./probe.js";

/** Where an engine's device comes from. */
export interface DeviceSource {
  /** The caller's own device: used, never destroyed. */
  readonly device?: GPUDevice;
  readonly adapter?: GPUAdapter;
  /** Where to look for an adapter; `navigator.gpu` by default. */
  readonly gpu?: GPU;
}

export interface OpenedDevice {
  readonly gpu: GPUDevice;
  /** Whether it was made here, and is destroyed with the engine. */
  readonly own: boolean;
  /** A rasteriser on the CPU. */
  readonly software: boolean;
  /** The adapter's. */
  readonly name: string;
}

export function unavailable(what: string): DeviceUnavailableError {
  return new DeviceUnavailableError(`GPU: ${what}. Use device "auto" or "cpu".`);
}

/** `half`: with 16-bit floats. Throws DeviceUnavailableError where there is no such device. */
export async function openDevice(source: DeviceSource, half: boolean): Promise<OpenedDevice> {
  const missing = () => unavailable(`precision "f16" needs the feature shader-f16, which this device lacks`);
  if (source.device) {
    const gpu = source.device;
    if (half && !gpu.features.has("shader-f16")) throw missing();
    const info = gpu.adapterInfo;
    return { gpu, own: false, software: isSoftware({ info }), name: adapterName(info) };
  }
  const { adapter, reason, software, name } = await probeGpu(source);
  if (!adapter) throw unavailable(reason);
  if (half && !adapter.features.has("shader-f16")) throw missing();
  try {
    const gpu = await adapter.requestDevice(half ? { requiredFeatures: ["shader-f16"] } : {});
    return { gpu, own: true, software, name };
  } catch (error) {
    throw unavailable(`requestDevice failed: ${messageOf(error)}`);
  }
}

/** What was found when a GPU was looked for. `reason` says why it is absent, or what it is. */
export interface GpuProbe {
  readonly available: boolean;
  /** A rasteriser on the CPU: right, but slower than the CPU's own kernels. */
  readonly software: boolean;
  readonly name: string;
  readonly reason: string;
  readonly adapter: GPUAdapter | null;
}

/** Looks for an adapter; never throws. `gpu` is `navigator.gpu` unless given, as where Dawn runs in Node. */
export async function probeGpu(options: { gpu?: GPU; adapter?: GPUAdapter } = {}): Promise<GpuProbe> {
  const absent = (reason: string): GpuProbe => ({ available: false, software: false, name: "", reason, adapter: null });
  try {
    const gpu = options.gpu ?? globalThis.navigator?.gpu;
    if (!options.adapter && !gpu) return absent("no WebGPU here (navigator.gpu is absent)");
    const adapter = options.adapter ?? (await gpu?.requestAdapter({ powerPreference: "high-performance" }));
    if (!adapter) return absent("WebGPU is present but has no adapter (requestAdapter gave null)");
    const name = adapterName(adapter.info);
    const software = isSoftware(adapter);
    return { available: true, software, name, reason: software ? `${name} is a software adapter` : name, adapter };
  } catch (error) {
    return absent(`WebGPU failed: ${messageOf(error)}`);
  }
}

export function adapterName(info: GPUAdapterInfo | undefined): string {
  const { vendor, architecture, device, description } = info ?? {};
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "an unnamed adapter";
}

/** Older browsers say `isFallbackAdapter` on the adapter itself; some software adapters say it only in their names. */
export function isSoftware(adapter: { readonly info?: GPUAdapterInfo; readonly isFallbackAdapter?: boolean }): boolean {
  const { info } = adapter;
  const words = [info?.vendor, info?.architecture, info?.device, info?.description].join(" ");
  return Boolean(
    adapter.isFallbackAdapter ||
      info?.isFallbackAdapter ||
      /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(words),
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

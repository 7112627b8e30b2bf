import { hasRelaxedSimd } from "../../src/cpu/module.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import { probeGpu } from "../../src/gpu/probe.js";
import { browserHost } from "../../src/host/browser.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { browserName, platformName } from "./names.js";
import type { DeviceDescription, GpuDescription } from "./report.js";
import { clockTick } from "./samples.js";

/** Of what is asked for: browsers leave out what they do not tell. */
interface UserAgentValues {
  readonly platform?: string;
  readonly platformVersion?: string;
  readonly architecture?: string;
  readonly bitness?: string;
  readonly model?: string;
  readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[];
}

interface UserAgentData {
  getHighEntropyValues(hints: string[]): Promise<UserAgentValues>;
}

/** What this worker can find out about the hardware and the browser that it runs on. */
export async function describeDevice(): Promise<DeviceDescription> {
  const { userAgent, hardwareConcurrency } = navigator;
  const { deviceMemory, userAgentData } = navigator as { deviceMemory?: number; userAgentData?: UserAgentData };
  const platform = (await hintedPlatform(userAgentData)) ?? platformName(userAgent);
  const browser = browserName(userAgent);
  return {
    name: `${platform}, ${browser}`,
    browser,
    browserVersion: (await fullVersion(userAgentData)) ?? browser,
    platform,
    userAgent,
    cores: hardwareConcurrency || 1,
    memoryGiB: deviceMemory ?? null,
    secureContext: isSecureContext,
    crossOriginIsolated,
    threadObstacle: browserHost.threadSupport.obstacle,
    relaxedSimd: hasRelaxedSimd(),
    clockMs: clockTick(),
    roofGflops: await roofOfOneCore(),
    gpu: await describeGpu(),
  };
}

/** "Chromium 150.0.7871.12": the longest version of a brand that is none of the made-up ones. */
async function fullVersion(data: UserAgentData | undefined): Promise<string | null> {
  const values = await data?.getHighEntropyValues(["fullVersionList"]).catch(() => null);
  const brands = values?.fullVersionList?.filter(({ brand }) => !/not.*brand/i.test(brand)) ?? [];
  const own = brands.find(({ brand }) => brand !== "Chromium") ?? brands[0];
  return own ? `${own.brand} ${own.version}` : null;
}

/** Chromium's browsers tell a model and a processor only when they are asked. */
async function hintedPlatform(data: UserAgentData | undefined): Promise<string | null> {
  const hints = ["platform", "platformVersion", "architecture", "bitness", "model"];
  const values = await data?.getHighEntropyValues(hints).catch(() => null);
  if (!values?.platform) return null;
  const { platform, platformVersion, architecture, bitness, model } = values;
  if (model) return `${model}, ${platform} ${platformVersion}`;
  const processor = architecture ? ` ${architecture}${bitness === "64" ? "-64" : ""}` : "";
  return `${platform}${processor}`;
}

async function roofOfOneCore(): Promise<number> {
  const network = pseudoRandomNetwork("resnet20", { inputSize: 8 });
  const engine = await createCpuEngine(network, { wasm: browserHost.wasm, threads: 1, memory: "small" });
  try {
    return engine.measureRoof();
  } finally {
    await engine.close();
  }
}

async function describeGpu(): Promise<GpuDescription> {
  const { available, software, name, reason, adapter } = await probeGpu();
  return {
    available,
    software,
    name,
    reason,
    half: adapter?.features.has("shader-f16") ?? false,
    vendor: adapter?.info?.vendor ?? "",
    architecture: adapter?.info?.architecture ?? "",
    maxBufferSize: adapter?.limits.maxBufferSize ?? 0,
    maxStorageBufferBindingSize: adapter?.limits.maxStorageBufferBindingSize ?? 0,
  };
}

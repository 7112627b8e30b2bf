import { existsSync } from "node:fs";

const drivers = ["/usr/lib/chromium/vk_swiftshader_icd.json", "/usr/lib/chromium-browser/vk_swiftshader_icd.json"];

/** SwiftShader through Dawn, or why it cannot be had. `RESNET_EDGE_GPU=1` leaves the choice of a driver to Vulkan. */
export async function openDawn(): Promise<{ gpu: GPU; skip: null } | { gpu: null; skip: string }> {
  const opened = await tryDawn();
  if (opened.skip && process.env.NO_SKIPS) throw new Error(opened.skip);
  return opened;
}

async function tryDawn(): Promise<{ gpu: GPU; skip: null } | { gpu: null; skip: string }> {
  if (!process.env.RESNET_EDGE_GPU) {
    const driver = drivers.find((file) => existsSync(file));
    if (!driver) return { gpu: null, skip: "no vk_swiftshader_icd.json: install Debian's chromium" };
    process.env.VK_ICD_FILENAMES = driver;
  }
  try {
    const { create } = await import("webgpu");
    const gpu = create([]);
    if (!(await gpu.requestAdapter())) return { gpu: null, skip: "Dawn found no adapter: is libvulkan1 installed?" };
    return { gpu, skip: null };
  } catch (error) {
    return { gpu: null, skip: `the package webgpu did not load: ${error}` };
  }
}

// Loads files that were made to do harm, in a process that may be ended: node hostile-child.mjs LIBRARY WAY FILES...
// Prints one line of JSON for each: what came of it, the processor's time, and by how much memory grew at its height.
import { readFileSync, writeFileSync } from "node:fs";

const [, , library, way, ...files] = process.argv;
const { loadModel, ResnetEdgeError } = await import(library);

/** Resident bytes, now or at the most since the last reset. */
function resident(field) {
  const status = readFileSync("/proc/self/status", "utf8");
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)[1]);
}

async function attempt(source) {
  try {
    const model = await loadModel(source, { threads: 1, device: "cpu" });
    const [, channels, height, width] = model.input.shape;
    try {
      const { logits } = await model.run(new Float32Array(channels * height * width));
      return { logits: [...logits] };
    } finally {
      await model.close();
    }
  } catch (error) {
    const { name, message } = error;
    return { typed: error instanceof ResnetEdgeError, name, message };
  }
}

for (const [index, file] of [files[0], ...files].entries()) {
  globalThis.gc?.();
  writeFileSync("/proc/self/clear_refs", "5");
  const before = resident("VmRSS");
  const start = process.cpuUsage();
  const source = way === "response" ? new Response(readFileSync(file)) : file;
  const result = await attempt(source);
  const { user, system } = process.cpuUsage(start);
  const ms = Math.round((user + system) / 1000);
  const grown = resident("VmHWM") - before;
  // The first is for warming up.
  if (index > 0) console.log(JSON.stringify({ file, ms, grown, ...result }));
}

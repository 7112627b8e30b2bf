// Onnxruntime's native build with the vectors of a machine without AVX-512, on a machine with it: nothing public of it does that.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { root } from "./prepare.mjs";

const library = "libonnxruntime.so.1";
/** xor ecx, ecx; xgetbv: asks which registers the operating system saves (Intel's manual, volume 1, section 13.3). */
const ask = Buffer.from("31c90f01d0", "hex");
/** xor ecx, ecx; mov al, 7; nop: SSE's and AVX's, and none of AVX-512. */
const avx2 = Buffer.from("31c9b00790", "hex");

/** Each set of vectors that onnxruntime's native build can be timed with here, and the environment for it. */
export function environments(dtype) {
  const flags = process.arch === "x64" ? cpuFlags() : [];
  // The copy without AVX-512 still finds the dot product of bytes that has come to shorter vectors.
  const short = dtype === "int8" && flags.includes("avx_vnni") ? "AVX2 with VNNI" : "AVX2";
  const long = dtype === "int8" && flags.includes("avx512_vnni") ? "AVX-512 with VNNI" : "AVX-512";
  if (flags.includes("avx512f")) return { [short]: withoutAvx512(), [long]: process.env };
  return { [flags.includes("avx2") ? short : ""]: process.env };
}

function cpuFlags() {
  try {
    return (/^flags\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "").split(" ");
  } catch {
    return [];
  }
}

/**
 * Copies the library with that question answered, and returns the environment in which onnxruntime-node finds the copy.
 * Throws where the question is not found: another version asks in another way.
 */
function withoutAvx512() {
  const from = new URL(`bench/peers/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/${library}`, root);
  const folder = fileURLToPath(new URL("bench/peers/out/avx2", root));
  const bytes = readFileSync(from);
  let found = 0;
  for (let at = bytes.indexOf(ask); at >= 0; at = bytes.indexOf(ask, at + 1)) {
    avx2.copy(bytes, at);
    found++;
  }
  if (found === 0) throw new Error(`${from.pathname} does not ask for AVX-512 in the way that is known here.`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${library}`, bytes);
  return { ...process.env, LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":") };
}

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { expect, test } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { root } from "../built.js";

// docs/extending.md's second recipe, outside of the project's own module: a kernel in AssemblyScript that reads a record.

const source = `
import { Field } from "./assembly/shared/record";
import { word } from "./assembly/base/words";

/** output = input * input. One piece is one row. */
export function f32_square(record: usize, y: i32): void {
  const bytes = (<usize>word(record, Field.inWidth) * <usize>word(record, Field.inStep)) << 2;
  let from = <usize>word(record, Field.input) + <usize>y * bytes;
  let to = <usize>word(record, Field.output) + <usize>y * bytes;
  for (const end = from + bytes; from < end; from += 16) {
    const x = v128.load(from);
    v128.store(to, f32x4.mul(x, x));
    to += 16;
  }
}`;

async function compileKernel(): Promise<BufferSource> {
  let wasm: Uint8Array | null = null;
  const options = ["--outFile", "square.wasm", "--enable", "simd", "--runtime", "stub", "--importMemory", "-O3"];
  const { error, stderr } = await asc.main(["square.ts", ...options, "--noExportMemory"], {
    readFile: (name) => {
      if (name === "square.ts") return source;
      if (!name.startsWith("assembly/")) return null;
      try {
        return readFileSync(fileURLToPath(new URL(name, root)), "utf8");
      } catch {
        return null;
      }
    },
    writeFile: (_, contents) => {
      wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`${error?.message}\n${stderr.toString()}`);
  return wasm as Uint8Array<ArrayBuffer>;
}

test("a kernel of one's own runs on a record", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(await compileKernel(), { env: { memory } });
  const [record, input, output, height, width, step] = [1024, 4096, 8192, 3, 5, 8];
  const words = new Int32Array(memory.buffer, record, Field.size);
  words[Field.input] = input;
  words[Field.output] = output;
  words[Field.inWidth] = width;
  words[Field.inStep] = step;
  const count = height * width * step;
  const x = new Float32Array(memory.buffer, input, count).map((_, at) => at / 7 - 3);
  new Float32Array(memory.buffer, input, count).set(x);
  const square = instance.exports.f32_square as (record: number, piece: number) => void;
  for (let row = 0; row < height; row++) square(record, row);
  expect([...new Float32Array(memory.buffer, output, count)]).toEqual([...x.map((value) => value * value)]);
});

import { elementCount } from "../../src/graph/tensor.js";
import { generator } from "../random.js";

/** A ResNet-18 under torchvision's names with pseudo-random weights, as the bytes of a safetensors file (47 MB). */
export function resnet18File(): Uint8Array<ArrayBuffer> {
  const shapes: [string, number[]][] = [];
  const norm = (name: string, width: number) => {
    for (const tensor of ["weight", "bias", "running_mean", "running_var"]) shapes.push([`${name}.${tensor}`, [width]]);
  };
  shapes.push(["conv1.weight", [64, 3, 7, 7]]);
  norm("bn1", 64);
  let from = 64;
  for (const [stage, width] of [64, 128, 256, 512].entries()) {
    for (const block of [0, 1]) {
      const name = `layer${stage + 1}.${block}`;
      shapes.push([`${name}.conv1.weight`, [width, from, 3, 3]]);
      norm(`${name}.bn1`, width);
      shapes.push([`${name}.conv2.weight`, [width, width, 3, 3]]);
      norm(`${name}.bn2`, width);
      if (from !== width) {
        shapes.push([`${name}.downsample.0.weight`, [width, from, 1, 1]]);
        norm(`${name}.downsample.1`, width);
      }
      from = width;
    }
  }
  shapes.push(["fc.weight", [1000, 512]], ["fc.bias", [1000]]);

  const header: Record<string, object> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + 4 * elementCount(shape)] };
    end += 4 * elementCount(shape);
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(new TextEncoder().encode(text), 8);
  const next = generator(1);
  let at = 8 + text.length;
  for (const [name, shape] of shapes) {
    const values = new Float32Array(bytes.buffer, at, elementCount(shape));
    // He et al. 2015: variance 2 / fan-in; uniform on [-a, a] has a^2 / 3. Residuals are kept small.
    const reach = Math.sqrt(6 / Math.max(1, elementCount(shape.slice(1)))) * (name.includes("conv2") ? 0.5 : 1);
    if (shape.length === 1) values.fill(/weight|var/.test(name) ? 1 : 0);
    else for (let i = 0; i < values.length; i++) values[i] = (2 * next() - 1) * reach;
    at += values.byteLength;
  }
  return bytes;
}

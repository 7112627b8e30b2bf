import { elementwise, type Kernel, kernel, type Storage } from "./shader.js";

/** The image: f32 NCHW as callers hand it in, to an activation with padded channels. */
export function nchwToNhwc(storage: Storage, pixels: number, channels: number, head: number): Kernel {
  const vectors = Math.ceil(channels / 4);
  const count = pixels * vectors;
  const { index, ...threads } = elementwise(count);
  return kernel({
    name: "nchw_to_nhwc",
    storage,
    constants: { COUNT: count, PIXELS: pixels, CHANNELS: channels, VECTORS: vectors, HEAD: head },
    buffers: { src: "f32", dst: "Vector" },
    ...threads,
    body: `
  ${index}
  let pixel = index / VECTORS;
  let channel = index % VECTORS * 4u;
  var value = vec4f();
  for (var c = 0u; c < min(4u, CHANNELS - channel); c++) { value[c] = src[(channel + c) * PIXELS + pixel]; }
  dst[HEAD + index] = Vector(value);`,
  });
}

/** An activation that comes in or goes out as f32 where the network's own storage is f16. */
export function convert(direction: "in" | "out", storage: Storage, count: number, head: number): Kernel {
  const { index, ...threads } = elementwise(count);
  const into = direction === "in";
  return kernel({
    name: `convert_${direction}`,
    storage,
    constants: { COUNT: count, HEAD: head },
    buffers: { src: into ? "vec4f" : "Vector", dst: into ? "Vector" : "vec4f" },
    ...threads,
    body: `
  ${index}
  ${into ? "dst[HEAD + index] = Vector(src[index]);" : "dst[index] = vec4f(src[HEAD + index]);"}`,
  });
}

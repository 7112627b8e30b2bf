/** A safetensors file of torchvision's ResNet-18 or -34 for 1,000 classes, all of whose values are `value`: whole, if good for nothing. */
export function checkpoint(layers: readonly number[], { value = 0.01, deep = false, classes = 1000 } = {}): Buffer {
  const shapes = new Map<string, number[]>();
  const convolution = (name: string, norm: string, shape: number[]) => {
    shapes.set(`${name}.weight`, shape);
    for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes.set(`${norm}.${part}`, [shape[0]!]);
  };
  if (deep) {
    convolution("conv1.0", "conv1.1", [32, 3, 3, 3]);
    convolution("conv1.3", "conv1.4", [32, 32, 3, 3]);
    convolution("conv1.6", "bn1", [64, 32, 3, 3]);
  } else convolution("conv1", "bn1", [64, 3, 7, 7]);
  let from = 64;
  for (const [stage, blocks] of layers.entries()) {
    const width = 64 << stage;
    for (let block = 0; block < blocks; block++) {
      const name = `layer${stage + 1}.${block}`;
      convolution(`${name}.conv1`, `${name}.bn1`, [width, from, 3, 3]);
      convolution(`${name}.conv2`, `${name}.bn2`, [width, width, 3, 3]);
      const [projection, norm] = deep ? [1, 2] : [0, 1];
      if (from !== width)
        convolution(`${name}.downsample.${projection}`, `${name}.downsample.${norm}`, [width, from, 1, 1]);
      from = width;
    }
  }
  shapes.set("fc.weight", [classes, 512]);
  shapes.set("fc.bias", [classes]);
  let end = 0;
  const header: Record<string, object> = {};
  for (const [name, shape] of shapes) {
    const begin = end;
    end += 4 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.from(new Float32Array(end / 4).fill(value).buffer)]);
}

import { UnsupportedModelError } from "../errors.js";
import { graphKey } from "../graph/graph-key.js";
import type { Architecture, Network } from "../graph/network.js";
import { contiguousStrides, elementCount, type StateDict, type Tensor } from "../graph/tensor.js";
import { isResidual } from "../model/residual.js";
import { arrange } from "../model/unusual/arrange.js";
import { buildNetwork } from "../model/unusual/build.js";
import type { Readable } from "../model/unusual/parametrized.js";
import type { FileCard } from "../quantize/file.js";
import { QUANTIZATION } from "../weights/integers-format.js";
import { readSafetensors } from "../weights/safetensors.js";
import { toFloat32 } from "../weights/values.js";
import { encode, type Written } from "../weights/write.js";

/**
 * A file's weights as safetensors, with all that is stated and assumed of them in its metadata: a ResNet's under torchvision's names,
 * others, and integers, under their own. Their types stay; what was computed from parts becomes f32. `network` is what the file was
 * built into.
 *
 * Throws `UnsupportedModelError` for a network that the file would not give back.
 */
export function writeSafetensors(state: StateDict, network: Network, card: FileCard): Uint8Array<ArrayBuffer> {
  if (state.build) {
    throw new UnsupportedModelError(
      "The file states its graph, which names of tensors do not: it can be converted to .onnx, not to .safetensors.",
    );
  }
  const integers = state.metadata.get(QUANTIZATION);
  const tensors = integers === undefined ? namedTensors(state, network) : state.tensors;
  const metadata = {
    "resnet-edge": JSON.stringify({
      architecture: statedArchitecture(network),
      preprocess: card.preprocess,
      labels: card.labels ?? undefined,
    }),
    ...(integers === undefined ? {} : { [QUANTIZATION]: integers }),
  };
  const bytes = encode(
    [...tensors].map(([name, tensor]) => written(name, tensor)),
    metadata,
  );
  checkWritten(network, bytes, integers !== undefined);
  return bytes;
}

function namedTensors(state: StateDict, network: Network): ReadonlyMap<string, Readable> {
  const tensors = new Map<string, Readable>();
  const { architecture, ignored = [] } = network;
  const named = isResidual(network)
    ? arrange(state.tensors, state.format === "torch", architecture, architecture.classes > 0).tensors
    : state.tensors;
  for (const [name, tensor] of named) {
    const counted = name.endsWith("num_batches_tracked");
    if (!counted && !ignored.includes(tensor.name)) tensors.set(name, tensor);
  }
  return tensors;
}

/** What is stated again: names are torchvision's or the file's own, and what parts were multiplied by is in the weights. */
function statedArchitecture(network: Network): Partial<Architecture> {
  const { name: _, classes: __, prefix, headPrefix, loraScale, ...traits } = network.architecture;
  if (isResidual(network)) return { ...network.assumed, ...traits };
  const { stem, ...others } = traits;
  return others;
}

const dtypes = { f64: "F64", f32: "F32", f16: "F16", bf16: "BF16", i8: "I8" } as const;

function written(name: string, tensor: Readable): Written {
  const { shape } = tensor;
  if ("parts" in tensor) return floats(name, shape, tensor.compute());
  if (!(tensor.dtype in dtypes)) throw new UnsupportedModelError(`${name} is ${tensor.dtype}, which is not written.`);
  const dtype = dtypes[tensor.dtype as keyof typeof dtypes];
  // Of two strides for one value either will do.
  if ("arrival" in tensor || !isDense(tensor)) return floats(name, shape, toFloat32(tensor));
  return { name, dtype, shape, bytes: tensor.bytes.subarray(0, elementCount(shape) * sizes[dtype]) };
}

const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I8: 1 } as const;

const isDense = ({ shape, strides }: Tensor) =>
  contiguousStrides(shape).every((step, axis) => shape[axis] === 1 || step === strides[axis]);

function floats(name: string, shape: readonly number[], values: Float32Array): Written {
  return { name, dtype: "F32", shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** Reads the file back, and compares what it computes with what it should. */
function checkWritten(network: Network, bytes: Uint8Array, integers: boolean): void {
  const { height, width } = network.values[network.input]!;
  const includeTop = network.architecture.classes > 0 ? undefined : false;
  const found = buildNetwork(readSafetensors(bytes, "the written file"), {
    ...{ inputSize: [height, width], integers },
    ...(includeTop === undefined ? {} : { includeTop }),
  });
  const key = ({ values, stages, input, output }: Network) => graphKey({ values, stages, input, output } as Network);
  if (key(found) === key(network)) return;
  throw new UnsupportedModelError("This network cannot be written: its file would be read as another one.");
}

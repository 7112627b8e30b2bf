import { UnsupportedModelError } from "../errors.js";
import type { Architecture } from "../graph/network.js";
import type { TensorInfo } from "../graph/tensor.js";
import { expansion } from "./architectures.js";

/**
 * Reads the architecture from the names (torchvision's) and shapes of a network's tensors. What the weights cannot tell takes
 * its usual value: stride in a bottleneck's 3x3, option A's channels padded on both sides. Shapes are only looked at as far as
 * needed; building the network checks every one.
 *
 * Throws `UnsupportedModelError` where the tensors are no residual network's.
 */
export function recognize(tensors: ReadonlyMap<string, TensorInfo>): Omit<Architecture, "name"> {
  const shapeOf = (name: string, what: string, rank: number): readonly number[] => {
    const tensor = tensors.get(name);
    if (tensor?.shape.length === rank && tensor.shape.every((extent) => extent > 0)) return tensor.shape;
    const found = tensor ? `it has shape [${tensor.shape}]` : `the file has ${listNames(tensors)}`;
    throw new UnsupportedModelError(
      `This is not a residual network that can be read: expected ${tensor?.name ?? name}, ${what}, but ${found}.`,
    );
  };

  const deep = tensors.has("conv1.0.weight");
  const stemShape = shapeOf(deep ? "conv1.6.weight" : "conv1.weight", "the stem's convolution [width, 3, 7, 7]", 4);
  const side = stemShape[2]!;
  if (!deep && side !== 7 && side !== 3) {
    throw new UnsupportedModelError(
      `${tensors.get("conv1.weight")!.name} has shape [${stemShape}]; a stem's kernel is 7x7 or 3x3.`,
    );
  }

  const layers = countBlocks(tensors);
  const [inner] = shapeOf("layer1.0.conv1.weight", "the first block's convolution", 4) as [number];
  const block = tensors.has("layer1.0.conv3.weight") ? "bottleneck" : "basic";
  const lastConvolution = block === "bottleneck" ? "conv3" : "conv2";
  const widths = layers.map((_, stage) => {
    const name = `layer${stage + 1}.0.${lastConvolution}.weight`;
    return shapeOf(name, "a block's last convolution", 4)[0]! / expansion({ block });
  });

  let groups = 1;
  let widthPerGroup = 64;
  if (block === "bottleneck") {
    const [out, perGroup] = shapeOf("layer1.0.conv2.weight", "a bottleneck's 3x3 convolution", 4) as [number, number];
    groups = Math.max(1, Math.floor(inner / perGroup));
    widthPerGroup = (out * 64) / groups / widths[0]!;
  }

  let shortcut: Architecture["shortcut"] = "zero-pad-symmetric";
  for (const name of tensors.keys()) {
    const part = /^layer\d+\.\d+\.downsample\.(\d)\./.exec(name)?.[1];
    if (part === "0") shortcut = "projection";
    // A ResNet-D's pool is downsample.0 and has no tensors: its BatchNorm is downsample.2.
    if (part === "2") {
      shortcut = "average-projection";
      break;
    }
  }

  // A head of several layers ends in fc.1, fc.2 ...
  const top = [...tensors.keys()].findLast(
    (name) => /^fc(\.\d+)?\.weight$/.test(name) && (name === "fc.weight" || tensors.get(name)!.shape.length === 2),
  );
  return {
    block,
    stem: deep ? "deep" : side === 7 ? "7x7" : "3x3",
    stemWidth: stemShape[0]!,
    layers,
    widths,
    groups,
    widthPerGroup,
    shortcut,
    strideIn: "3x3",
    classes: top ? shapeOf(top, "the classifier [classes, features]", 2)[0]! : 0,
  };
}

/** Blocks of layer1, layer2 ...; the first gap ends the count, and what lies beyond is left over when the network is built. */
function countBlocks(tensors: ReadonlyMap<string, TensorInfo>): number[] {
  const seen = new Set<string>();
  for (const name of tensors.keys()) {
    const block = /^layer(\d+\.\d+)\./.exec(name)?.[1];
    if (block) seen.add(block);
  }
  const layers: number[] = [];
  for (let stage = 1; seen.has(`${stage}.0`); stage++) {
    let blocks = 1;
    while (seen.has(`${stage}.${blocks}`)) blocks++;
    layers.push(blocks);
  }
  return layers;
}

function listNames(tensors: ReadonlyMap<string, TensorInfo>): string {
  const names = [...tensors.values()].slice(0, 3).map((tensor) => tensor.name.slice(0, 80));
  if (names.length === 0) return "no tensors";
  return `${names.join(", ")}${tensors.size > names.length ? ` and ${tensors.size - names.length} more` : ""}`;
}

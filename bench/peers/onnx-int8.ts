import type { ConvOp, LinearOp, Network, ValueId } from "../../src/graph/network.js";
import { type FusedOp, fusedOps } from "./fused.js";
import { type Affine, type Int8Scheme, int8Weights, int32Bias } from "./int8.js";
import { beforeSumName, convAttributes, valueName } from "./onnx.js";
import { OnnxGraph } from "./onnx-graph.js";

/**
 * A network as an ONNX model of onnxruntime's operators on quantised values: QLinearConv and its kin, activations in u8, weights
 * in s8 by output channel. A value that follows a ReLU begins at zero, so that saturation is the ReLU, and ends at 6 behind a relu6. f32 in, f32 logits out.
 */
export function toInt8Onnx(network: Network, scheme: Int8Scheme): Uint8Array {
  const graph = new OnnxGraph(`${network.architecture.name}-int8`);

  /** Names of a value, its scale and its zero point. */
  const quantised = (name: string, { scale, zeroPoint }: Affine): string[] => [
    name,
    graph.constant(`${name}.scale`, [], "f32", Float32Array.of(scale)),
    graph.constant(`${name}.zero`, [], "u8", Uint8Array.of(zeroPoint + 128)),
  ];
  const values = new Map<ValueId, string[]>();
  const value = (id: ValueId) => {
    if (!values.has(id)) values.set(id, quantised(valueName(id), scheme.of(id)));
    return values.get(id)!;
  };
  const parameters = ({ name, weight, bias, inputs: [input] }: ConvOp | LinearOp) => {
    const int8 = int8Weights(weight);
    const { scales } = int8;
    const bias32 = int32Bias(bias, scheme.of(input), int8);
    return {
      weight: [
        graph.constant(`${name}.weight`, weight.shape, "i8", int8.values),
        graph.constant(`${name}.weight_scale`, [scales.length], "f32", scales),
        graph.constant(`${name}.weight_zero`, [scales.length], "i8", new Int8Array(scales.length)),
      ],
      bias: graph.constant(`${name}.bias`, [scales.length], "i32", bias32.values),
    };
  };

  const lower = ({ op, output: result }: FusedOp) => {
    const output = valueName(result);
    const [input, residual] = op.inputs;
    switch (op.kind) {
      case "conv": {
        const { weight, bias } = parameters(op);
        const last = residual === undefined;
        const target = last ? value(result) : quantised(beforeSumName(op), scheme.beforeSum(op.output));
        const inputs = [...value(input), ...weight, ...target.slice(1), bias];
        graph.node("QLinearConv", inputs, target[0]!, convAttributes(op));
        if (!last) {
          const summands = [...target, ...value(residual)];
          graph.ownNode("QLinearAdd", [...summands, ...value(result).slice(1)], output);
        }
        return;
      }
      case "maxPool":
        graph.node("MaxPool", [valueName(input)], output, {
          kernel_shape: op.kernel,
          strides: op.stride,
          pads: op.padding,
        });
        return;
      case "globalAveragePool":
        graph.ownNode("QLinearGlobalAveragePool", [...value(input), ...value(op.output).slice(1)], output);
        return;
      case "linear": {
        const { weight, bias } = parameters(op);
        const [pooled, ...steps] = value(input);
        const flat = graph.node("Flatten", [pooled!], `${output}.flat`, { axis: 1 });
        graph.ownNode("QGemm", [flat, ...steps, ...weight, bias], output, { transB: 1 });
        return;
      }
      default:
        throw new Error(`no quantised ONNX operator for ${op.kind}`);
    }
  };

  const { channels, height, width } = network.values[network.input]!;
  graph.input("image", [1, channels, height, width]);
  const [first, ...steps] = value(network.input);
  graph.node("QuantizeLinear", ["image", ...steps], first!);
  for (const fused of fusedOps(network)) lower(fused);
  graph.output(valueName(network.output), [1, network.values[network.output]!.channels]);
  return graph.encode();
}

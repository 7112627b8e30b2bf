import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { fusedOps, isDepthwise } from "./fused.js";

/** TensorFlow.js on the network's own operations, fused where it can. Takes NHWC. */
export async function createTfjs(network, { backend, threads }) {
  setWasmPaths("/peers/@tensorflow/tfjs-backend-wasm/dist/");
  if (backend === "wasm") setThreadsCount(threads);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend} here`);
  await tf.ready();
  const read = ({ shape, read }, owner) => {
    const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    read.call(owner, 0, shape[0], values);
    return tf.tensor(values, shape);
  };
  const fused = fusedOps(network);
  const steps = fused.map(prepare);

  function prepare({ op, relu6 }) {
    switch (op.kind) {
      case "conv": {
        // [height, width, I, O]; a filter for each channel: [height, width, C, 1].
        const order = isDepthwise(op) ? [2, 3, 0, 1] : [2, 3, 1, 0];
        const filter = tf.tidy(() => tf.keep(tf.transpose(read(op.weight, op.weight), order)));
        const convolve = isDepthwise(op) ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
        const bias = tf.keep(
          tf.tensor1d(op.bias ? Float32Array.from(op.bias.read()) : new Float32Array(op.weight.shape[0])),
        );
        const [top, left, bottom, right] = op.padding;
        const common = { filter, bias, strides: op.stride, dilations: op.dilation };
        const pad = [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ];
        return (values) => {
          const activation = op.inputs.length > 1 ? "linear" : relu6 ? "relu6" : op.relu ? "relu" : "linear";
          const sum = convolve({ x: values[op.inputs[0]], pad, activation, ...common });
          if (op.inputs.length === 1) return sum;
          const added = tf.add(sum, values[op.inputs[1]]);
          return relu6 ? tf.relu6(added) : op.relu ? tf.relu(added) : added;
        };
      }
      case "maxPool":
        return (values) => tf.maxPool(values[op.inputs[0]], op.kernel, op.stride, op.padding[0], "floor");
      case "globalAveragePool":
        return (values) => tf.mean(values[op.inputs[0]], [1, 2]);
      case "linear": {
        const filter = tf.tidy(() => tf.keep(tf.transpose(read(op.weight, op.weight))));
        const bias = tf.keep(tf.tensor1d(Float32Array.from(op.bias.read())));
        return (values) => tf.fused.matMul({ a: values[op.inputs[0]], b: filter, bias });
      }
      default:
        throw new Error(`no tfjs operation for ${op.kind}`);
    }
  }

  const { height, width, channels } = network.values[network.input];
  const outputs = fused.map(({ output }) => output);
  return {
    async run(input) {
      const result = tf.tidy(() => {
        const values = { [network.input]: tf.tensor(input, [1, height, width, channels]) };
        for (const [index, step] of steps.entries()) values[outputs[index]] = step(values);
        return values[network.output];
      });
      const logits = Float32Array.from(await result.data());
      result.dispose();
      return logits;
    },
    close: () => tf.disposeVariables(),
  };
}

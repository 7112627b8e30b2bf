/** The name in a safetensors file's metadata under which it says that its weights are integers, and how they are meant. */
export const QUANTIZATION = "resnet-edge.quantization";
export const VERSION = "int8-1";

// What a file may cost before it is believed. Each bound is far above what networks need; a file beyond one is refused by an
// error that names it. Bounds of a caller's own options are wider: what only a file states can be stated by the caller instead.

/** Levels of lists, dicts and objects inside each other, in JSON and in pickles. */
export const MAX_NESTING = 64;
/** Values in one JSON text: a header of `MAX_TENSORS` tensors, or the labels of ImageNet-21k ten times. */
export const MAX_JSON_VALUES = 250_000;
/** Bytes of a safetensors header, whose own limit is 100 MB, and of a configuration file. */
export const MAX_HEADER_BYTES = 16 << 20;
/** Tensors in a file; a ResNet-1202 has 7,000. */
export const MAX_TENSORS = 20_000;
/** Characters of a tensor's name. */
export const MAX_NAME = 1000;
/** Axes of a tensor. */
export const MAX_AXES = 16;
/** Instructions of one pickle. */
export const MAX_OPCODES = 5_000_000;
/** Lists, tuples, dicts, sets and objects in one pickle; a tensor takes eight. */
export const MAX_PICKLE_OBJECTS = 200_000;
/** Entries of all dicts in one pickle, and what it keeps to recall. */
export const MAX_PICKLE_ITEMS = 500_000;
/** Fields of all messages of an ONNX file, where they were looked into. */
export const MAX_PROTOBUF_FIELDS = 5_000_000;
/** Nodes of an ONNX graph; a ResNet-152 has some 500. */
export const MAX_ONNX_NODES = 20_000;
/** Elements that are computed from constants while an ONNX graph is read, beside two for each byte of its tensors. */
export const MAX_FOLDED_ELEMENTS = 1 << 25;
/** Indices that one node of an ONNX graph may gather from a computed value. */
export const MAX_GATHERED = 256;
/** Operations that an ONNX graph may become. */
export const MAX_OPERATIONS = 100_000;
/** Elements of one activation of an ONNX graph. */
export const MAX_VALUE_ELEMENTS = 1 << 28;
/** Stages that a graph is cut into, where it does not say its own. */
export const MAX_STAGES = 8;
/** Entries of a zip archive. */
export const MAX_ZIP_ENTRIES = 50_000;

/** Bytes that the compressed entries of an archive of `fileBytes` may be inflated to. */
export const maxInflated = (fileBytes: number) => 2 * fileBytes + (16 << 20);
/** Bytes that all tensors of a file may stand for, where several look at the same `heldBytes` or a stride is 0. */
export const maxTensorBytes = (heldBytes: number) => 2 * heldBytes + (1 << 20);
/** Bytes of a model file: as many as WebAssembly's memory could hold of its weights. */
export const MAX_MODEL_BYTES = 4 * 2 ** 30;
/** Files that one model's weights may lie in. */
export const MAX_SHARDS = 1000;
/** Bytes of WebAssembly's memory, which holds weights, activations and scratch. */
export const MAX_WASM_BYTES = 4 * 2 ** 30;
/** Pixels along the sides of the crop that a file may ask for. `inputSize` and `preprocess` may state more. */
export const MAX_CROP = 1024;
/** Pixels along the sides that a file may ask a picture to be resized to. */
export const MAX_RESIZE = 2048;
/** Classes that a file may have labels for. */
export const MAX_LABELS = 50_000;

/** Pixels of a picture: 300 MB decoded. More than that is a mistake or an attack. */
export const MAX_PIXELS = 100_000_000;
/** Pixels along a picture's side. */
export const MAX_SIDE = 100_000;
/** Bytes of a picture's file: the pixels above as a BMP, with room to spare. */
export const MAX_IMAGE_BYTES = 512 << 20;
/** How long one picture may be decoded. */
export const DECODE_MS = 30_000;

// biome-ignore-all lint/suspicious/noControlCharactersInRegex: file signatures hold control characters

const signatures: readonly (readonly [string, RegExp])[] = [
  ["an HTML page (the address answers with a page, not with the file)", /^\s*<(!doctype|html|head|\?xml)/i],
  ["a Git LFS pointer (fetch the file itself with git lfs pull)", /^version https:\/\/git-lfs/],
  ["the index of a model in several files (join them into one, or give Node the index's path)", /"weight_map"/],
  ["JSON", /^\s*[{[]/],
  ["gzip (decompress it first)", /^\x1f\x8b/],
  ["a WebAssembly module", /^\0asm/],
  ["an HDF5 (Keras) file", /^\x89HDF/],
  ["a TensorFlow Lite model", /^.{4}TFL3/s],
  ["a tar archive", /^.{257}ustar/s],
  ["an ONNX model or another protocol buffer", /^\x08[\x01-\x0f]\x12/],
];

/** What a file that is no weights file looks like, for a message. */
export function appearance(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const head = String.fromCharCode(...bytes.subarray(0, 300));
  const known = signatures.find(([, pattern]) => pattern.test(head));
  if (known) return known[0];
  const start = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes of an unknown format (${start} ...)`;
}

import { WasmError } from "../errors.js";

/** Fetches and compiles a module of kernels, whatever type the server says it has. Throws `WasmError`; an HTML page is named as such. */
export async function fetchKernels(address: string | URL): Promise<WebAssembly.Module> {
  const response = await fetch(address).catch((cause) => {
    throw new WasmError(`${address} could not be fetched: ${cause.message}. ${MEND}`, { cause });
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || bytes[0] !== 0 || bytes[1] !== 0x61) {
    const found = bytes[0] === 0x3c ? "an HTML page" : `${bytes.length} bytes that are no WebAssembly`;
    throw new WasmError(`${response.url} answered ${response.status} with ${found}. ${MEND}`);
  }
  return compileKernels(bytes);
}

const MEND = "Serve the .wasm files beside the library, or pass options.wasm.";

/** Compiles a module of kernels. Throws `WasmError` where the bytes are none, or a policy forbids it. */
export async function compileKernels(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new WasmError(
      `The kernels cannot be compiled: ${(cause as Error).message}. A policy needs 'wasm-unsafe-eval' in script-src, or pass a compiled module as options.wasm.`,
      { cause },
    );
  }
}

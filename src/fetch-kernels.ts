import { OptionError } from "./errors.js";

/** Compiles a fetched module, whatever type the server says it has; an HTML page is named as such. */
export async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || bytes[0] !== 0 || bytes[1] !== 0x61) {
    const found = bytes[0] === 0x3c ? "an HTML page" : `${bytes.length} bytes that are no WebAssembly`;
    throw new OptionError(
      `${response.url} answered ${response.status} with ${found}. Serve the .wasm files beside the library, or pass options.wasm.`,
    );
  }
  return WebAssembly.compile(bytes);
}

/** What the comparison uses of onnxruntime's API: the peers are installed beside this file only when a comparison runs. */
export interface Ort {
  readonly env: { readonly wasm: { numThreads: number; wasmPaths?: string } };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(
      model: Uint8Array | string,
      options: { executionProviders: string[]; intraOpNumThreads?: number },
    ): Promise<OrtSession>;
  };
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
  release(): Promise<void>;
}

export async function loadOrt(address = "onnxruntime-web"): Promise<Ort> {
  return (await import(address)) as Ort;
}

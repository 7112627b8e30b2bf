/**
 * The type of a platform's own class by its global name, such as `GPUBuffer`; `never` where the program's declarations have none, as in
 * Node. So the package's types ask for no library of types that a program does without.
 */
export type Platform<Name extends string> = typeof globalThis extends {
  readonly [K in Name]: { readonly prototype: infer Instance };
}
  ? Instance
  : never;

/** `WebAssembly.Module`, likewise. */
export type WasmModule = typeof globalThis extends {
  readonly WebAssembly: { readonly Module: { readonly prototype: infer Instance } };
}
  ? Instance
  : never;

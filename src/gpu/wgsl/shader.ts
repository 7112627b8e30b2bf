/** How activations and weights lie in GPU memory. Sums are f32 in both. */
export type Storage = "f32" | "f16";

/** A compute shader, specialised: one pipeline, and the workgroups that one dispatch of it takes. */
export interface Kernel {
  /** A specification, in XNNPACK's manner: type, operation, tile. */
  readonly name: string;
  readonly code: string;
  /** Pipeline constants, declared in `code` under the same names. */
  readonly constants: Readonly<Record<string, number>>;
  readonly workgroups: readonly [x: number, y: number, z: number];
}

export interface Shader {
  readonly name: string;
  readonly storage: Storage;
  readonly constants: Readonly<Record<string, number>>;
  /** Element type of each storage buffer, in binding order; `dst` alone is written. */
  readonly buffers: Readonly<Record<string, string>>;
  readonly workgroupSize: readonly [x: number, y: number];
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Before `main`: workgroup memory and functions. */
  readonly declarations?: string;
  /** Of `main`, with `group` and `local` in scope. `Scalar` and `Vector` are the storage types. */
  readonly body: string;
}

/**
 * Activations are NHWC in `Vector`s of four channels. Each activation buffer begins with HEAD vectors of zeros, which no
 * kernel writes: a position in the padding reads there, so that inner loops have no branch.
 */
export function kernel(shader: Shader): Kernel {
  const { name, storage, constants, buffers, workgroupSize, workgroups, declarations = "", body } = shader;
  const lines = [
    storage === "f16" ? "enable f16;" : "",
    `alias Scalar = ${storage};`,
    `alias Vector = vec4<${storage}>;`,
    ...Object.keys(constants).map((constant) => `override ${constant}: u32;`),
    ...Object.entries(buffers).map(
      ([buffer, type], binding) =>
        `@group(0) @binding(${binding}) var<storage, ${buffer === "dst" ? "read_write" : "read"}> ${buffer}: array<${type}>;`,
    ),
    declarations,
    `@compute @workgroup_size(${workgroupSize.join(", ")})`,
    "fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {",
    body,
    "}",
  ];
  return { name: `${storage}_${name}`, code: tidy(lines.join("\n")), constants, workgroups };
}

/** Empty lines come from parts of a template that do not apply. */
function tidy(code: string): string {
  return `${code
    .split("\n")
    .filter((line) => line.trim())
    .join("\n")}\n`;
}

/** Parts of a template, one for each of 0 .. count - 1. */
export function each(count: number, part: (index: number) => string, separator = "\n"): string {
  return Array.from({ length: count }, (_, index) => part(index)).join(separator);
}

/** Workgroups of 64 threads, one thread an element: rows of at most 65535 workgroups, WebGPU's limit on one dimension. */
export function elementwise(count: number): Pick<Shader, "workgroupSize" | "workgroups"> & { readonly index: string } {
  const groups = Math.ceil(count / 64);
  const x = Math.min(groups, 65535);
  return {
    workgroupSize: [64, 1],
    workgroups: [x, Math.ceil(groups / x), 1],
    index: `let index = (group.y * ${x}u + group.x) * 64u + local.x;
  if (index >= COUNT) { return; }`,
  };
}

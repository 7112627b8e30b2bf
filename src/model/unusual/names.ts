import { UnsupportedModelError } from "../../errors.js";
import type { TensorInfo } from "../../graph/tensor.js";

/** torchvision's names of what is no head, behind the prefixes of wrappers. */
const trunkName =
  /^((?:[^.]+\.)*?)((?:conv1(?:\.\d)?|bn1|maxpool\.\d|layer\d+\.\d+\.(?:conv\d|bn\d(?:\.(?:IN|BN))?|IN|downsample(?:\.\d)?|se\.(?:fc1|fc2|conv)))\.(?:weight|bias|running_mean|running_var))$/;

/** CIFAR repositories name a projection by what it is. */
const plain = (name: string) => name.replace(/\.shortcut\.(?=[012]\.[^.]+$)/, ".downsample.");

/** A residual network's own tensors among those of a file. */
export interface Trunk<T> {
  /** What preceded its names in the file: "module.encoder_q.", or nothing. */
  readonly prefix: string;
  /** By torchvision's names. */
  readonly tensors: Map<string, T>;
}

/**
 * The networks that a file holds before their heads: by torchvision's names behind any prefix, or else by how tensors are
 * grouped. `inOrder`: the file names tensors in the order in which layers were made. Empty where there is none.
 */
export function findTrunks<T extends TensorInfo>(tensors: ReadonlyMap<string, T>, inOrder: boolean): Trunk<T>[] {
  const trunks = new Map<string, Map<string, T>>();
  for (const [original, tensor] of tensors) {
    const [, prefix, name] = trunkName.exec(plain(original)) ?? [];
    if (name === undefined) continue;
    const trunk = trunks.get(prefix!) ?? new Map<string, T>();
    trunks.set(prefix!, trunk);
    const other = trunk.get(name);
    if (other) throw twice(tensor, other, name);
    trunk.set(name, tensor);
  }
  const named = [...trunks]
    .filter(([, found]) => found.has("layer1.0.conv1.weight") && found.has("layer1.0.conv2.weight"))
    .map(([prefix, found]) => ({ prefix, tensors: found }));
  if (named.length > 0) return named;
  const grouped = byGroups(tensors, inOrder);
  return grouped ? [grouped] : [];
}

export function twice(tensor: TensorInfo, other: TensorInfo, name: string): UnsupportedModelError {
  return new UnsupportedModelError(
    `"${tensor.name.slice(0, 200)}" and "${other.name.slice(0, 200)}" would both be ${name} of a residual network. Keep one of them in the file.`,
  );
}

/** A convolution or a BatchNorm, wherever it is. */
interface Module {
  readonly path: string;
  readonly kind: "conv" | "norm";
  readonly kernel: number;
}

interface Block {
  readonly main: Module[];
  readonly shortcut: Module[];
}

const shortcutName =
  /(^|[._])(0_|shortcut|short|downsample|down|skip|proj|projection|identity|match|res_conv|residual_conv)/i;

/**
 * A network whose names are not torchvision's. Two numbers in a module's path tell its stage and its block; what lies before the
 * first block is the stem; what is called a shortcut is one. Within a block the first convolution is conv1, and so on.
 */
function byGroups<T extends TensorInfo>(tensors: ReadonlyMap<string, T>, inOrder: boolean): Trunk<T> | null {
  const modules = modulesOf(tensors, inOrder);
  const prefix = commonPrefix(modules.map(({ path }) => path));
  const stem: Module[] = [];
  const stages = new Map<string, Map<string, Block>>();
  for (const module of modules) {
    const path = module.path.slice(prefix.length);
    // "conv2_x.0.residual_function.0", "stages.0.layers.1.layer.0.convolution", "res2.0.conv1.norm", "conv2_block1_1_conv".
    const [, word, stage, between, block, rest] = /^(\D*)(\d+)(\D+?)(\d+)(?:\D(.*))$/.exec(path) ?? [];
    if (rest === undefined) {
      // The stem's names come before the blocks' in no order but the file's: it is told by having no block.
      stem.push(module);
      continue;
    }
    const blocks = stages.get(`${word}${stage}`) ?? new Map<string, Block>();
    stages.set(`${word}${stage}`, blocks);
    const own = blocks.get(`${between}${block}`) ?? { main: [], shortcut: [] };
    blocks.set(`${between}${block}`, own);
    own[shortcutName.test(rest) ? "shortcut" : "main"].push(module);
  }
  const names = new Map<string, string>();
  if (stages.size < 2 || !nameStem(stem, names)) return null;
  let stage = 1;
  for (const blocks of stages.values()) {
    let block = 0;
    for (const own of blocks.values()) if (!nameBlock(own, `layer${stage}.${block++}`, names)) return null;
    stage++;
  }
  const found = new Map<string, T>();
  for (const [original, tensor] of tensors) {
    const at = original.lastIndexOf(".");
    const name = names.get(original.slice(0, at));
    if (name !== undefined) found.set(name + original.slice(at), tensor);
  }
  return { prefix, tensors: found };
}

function modulesOf(tensors: ReadonlyMap<string, TensorInfo>, inOrder: boolean): Module[] {
  const modules: Module[] = [];
  for (const [name, { shape }] of tensors) {
    const path = name.slice(0, Math.max(0, name.lastIndexOf(".")));
    if (name.endsWith(".weight") && shape.length === 4) modules.push({ path, kind: "conv", kernel: shape[2]! });
    if (name.endsWith(".running_mean")) modules.push({ path, kind: "norm", kernel: 0 });
  }
  // safetensors' writers sort names; numbers are compared as such.
  if (!inOrder) modules.sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
  return modules;
}

function commonPrefix(paths: readonly string[]): string {
  let prefix = paths[0]?.replace(/[^.]*$/, "") ?? "";
  while (prefix && !paths.every((path) => path.startsWith(prefix))) prefix = prefix.replace(/[^.]*\.$/, "");
  return prefix;
}

function nameStem(stem: readonly Module[], names: Map<string, string>): boolean {
  const convolutions = stem.filter(({ kind }) => kind === "conv");
  const norms = stem.filter(({ kind }) => kind === "norm");
  if (convolutions.length === 1 && norms.length <= 1) {
    names.set(convolutions[0]!.path, "conv1");
    if (norms[0]) names.set(norms[0].path, "bn1");
    return true;
  }
  if (convolutions.length !== 3 || norms.length !== 3) return false;
  for (const [index, name] of ["conv1.0", "conv1.3", "conv1.6"].entries()) names.set(convolutions[index]!.path, name);
  for (const [index, name] of ["conv1.1", "conv1.4", "bn1"].entries()) names.set(norms[index]!.path, name);
  return true;
}

function nameBlock({ main, shortcut }: Block, block: string, names: Map<string, string>): boolean {
  const convolutions = main.filter(({ kind }) => kind === "conv");
  const norms = main.filter(({ kind }) => kind === "norm");
  const kernels = convolutions.map(({ kernel }) => kernel).join();
  if (kernels !== "3,3" && kernels !== "1,3,1") return false;
  if (norms.length !== convolutions.length && norms.length > 0) return false;
  for (const [index, { path }] of convolutions.entries()) names.set(path, `${block}.conv${index + 1}`);
  for (const [index, { path }] of norms.entries()) names.set(path, `${block}.bn${index + 1}`);
  const projections = shortcut.filter(({ kind }) => kind === "conv");
  if (projections.length > 1 || shortcut.length - projections.length > 1) return false;
  // Where a pool stands first, it has no tensors, and numbers begin with 1.
  const pooled = /\.1$/.test(projections[0]?.path ?? "") ? 1 : 0;
  for (const { path, kind } of shortcut) names.set(path, `${block}.downsample.${(kind === "conv" ? 0 : 1) + pooled}`);
  return true;
}

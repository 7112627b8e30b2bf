import { compile } from "../cpu/lower/compile.js";
import { hasRelaxedSimd, variantOf } from "../cpu/module.js";
import type { CpuOptions } from "../cpu/options.js";
import { explain, explainRecords } from "../cpu/program/explain.js";
import type { CompileOptions, Integers } from "../cpu/program/program.js";
import { TILE_BESIDE_INTEGERS } from "../cpu/program/tiles.js";
import { planMemory } from "../cpu/reserve.js";
import { compileOptions } from "../cpu/settle.js";
import { OptionError } from "../errors.js";
import { isExtended } from "../graph/extended-op.js";
import type { Network } from "../graph/network.js";
import type { StateDict } from "../graph/tensor.js";
import { nodeHost } from "../host/node.js";
import { assumedOf, statedOf } from "../model/assumed.js";
import { buildNetwork, describeNetwork, modelCard, preprocessFor } from "../model/index.js";
import { isResidual } from "../model/residual.js";
import type { LoadOptions, Preprocess } from "../options.js";
import { floatBytes } from "../quantize/file.js";
import { layersOf } from "../quantize/layers.js";
import { checkOptions } from "../session/check-options.js";
import { labelsFor, type Scores } from "../session/classify.js";
import { keepsIntegers } from "../session/keeps-integers.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { QUANTIZATION } from "../weights/integers-format.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { say, sayJson } from "./out.js";
import { table } from "./table.js";

/** Prints what a model file holds and what it will cost, without preparing it. */
export async function inspect(names: string[], options: Options): Promise<number> {
  if (names.length > 1) throw new OptionError("inspect takes one model.");
  const named = { ...options, ...(names[0] === undefined ? {} : { model: names[0] }) };
  const load = await loadOptions(named);
  checkOptions(load);
  const source = modelOf(named);
  const { bytes, origin, files } = await readSource(nodeHost, source, load);
  const state = await readWeights(bytes, origin, nodeHost, load.inputSize);
  const card = modelCard(state, files);
  const network = buildNetwork(state, { ...load, card, integers: keepsIntegers(load) });
  const integers = await integersFor(network, load);
  const lower = !integers && isExtended(network) ? (await import("../cpu/extended/open.js")).lowerExtended : undefined;
  const weights = { ...weightsOf(network, state), bytes: bytes.length, floatBytes: floatBytes(network) };
  const computed = integers ? "int8" : "f32";
  const description = describeNetwork(network);
  const preprocess = preprocessFor(network, card, load.preprocess);
  const memory = {
    fast: planMemory(network, { memory: "fast", integers, lower }),
    small: planMemory(network, { memory: "small", integers, lower }),
  };
  const statedFields = statedOf(card.architecture, load.architecture);
  const stated = Object.entries(statedFields ?? card.architecture);
  const assumed = Object.entries(assumedOf(network, statedFields));
  const { classes, scores } = network.architecture;
  const labels = classes > 0 ? labelsFor(load.labels ?? card.labels, classes, scores) : null;
  const program = options.records ? compile(network, compiling({ ...load, lower }, integers)) : null;
  if (options.json) {
    sayJson({
      ...{ file: origin, format: state.format, bytes: bytes.length, notes: state.notes ?? [] },
      ...{ stated: Object.fromEntries(stated), assumed: Object.fromEntries(assumed) },
      ...description,
      ignored: network.ignored ?? [],
      ...{ weights, computed },
      ...{ preprocess, memory, labels },
      ...(program && { records: explainRecords(program) }),
    });
    return 0;
  }
  const { architecture, input, batchNorms } = description;
  const lines = [
    `${architecture.name}${structureOf(network)}`,
    `file          ${origin}, ${state.format}, ${megabytes(bytes.length)}`,
    ...(state.notes ?? []).map((note) => `note          ${note}`),
    ...(stated.length > 0 ? [`stated        ${traits(stated)}`] : []),
    ...(assumed.length > 0 ? [`assumed       ${traits(assumed)}: weights do not show these`] : []),
    `input         1 x ${input.channels} x ${input.height} x ${input.width}`,
    `classes       ${classes || "none: a feature extractor, which classify refuses"}${labels ? `, ${labels.slice(0, 3).join(", ")} ...` : ""}`,
    ...(classes > 0 ? [`scores        ${scoring(classes, scores)}`] : []),
    `parameters    ${description.parameters.toLocaleString("en-US")}`,
    `MACs          ${millions(description.macs)} M`,
    ...(network.ignored ? [`passed over   ${shortened(network.ignored)}`] : []),
    `BatchNorms    ${batchNorms.folded} folded, ${batchNorms.kept} kept`,
    `weights       ${weightsLine(weights)}`,
    ...(weights.float.length > 0 ? [`in float      ${shortened(weights.float)}`] : []),
    `wasm memory   ${integers ? "in integers: " : ""}fast ${megabytes(memory.fast.total)} (weights ${megabytes(memory.fast.weights)}), small ${megabytes(memory.small.total)} (weights ${megabytes(memory.small.weights)})`,
    `preprocess    resize ${pixels(preprocess.resize)} ${preprocess.mode ?? "center"} ${preprocess.interpolation}, crop ${pixels(preprocess.crop)}, mean ${preprocess.mean.join(" ")}, std ${preprocess.std.join(" ")}`,
    "",
    ...table(
      ["stage", "operations", "parameters", "MMACs", "output"],
      description.stages.map(({ name, ops, parameters, macs, output }) => [
        name,
        `${ops}`,
        parameters.toLocaleString("en-US"),
        millions(macs),
        `${output.height} x ${output.width} x ${output.channels}`,
      ]),
    ),
    ...(program ? ["", ...explain(program).trimEnd().split("\n")] : []),
  ];
  for (const line of lines) say(line);
  return 0;
}

/** As an engine compiles, but for what it measures: one thread unless a number is given, and the tile that is named. */
function compiling(options: LoadOptions & Pick<CpuOptions, "lower">, integers: Integers | undefined): CompileOptions {
  const { memory, tile, threads } = options;
  return {
    ...compileOptions(options, memory, typeof threads === "number" ? threads : 1, integers),
    tile: integers ? TILE_BESIDE_INTEGERS : tile === "auto" ? undefined : tile,
  };
}

/** What lowers a network of integers here; nothing for one that is computed in float. */
async function integersFor(network: Network, { simd }: LoadOptions): Promise<Integers | undefined> {
  if (!network.values.some(({ quantization }) => quantization)) return undefined;
  const traits = { int8: true, extended: isExtended(network), relaxed: simd !== "baseline" && hasRelaxedSimd() };
  const { openIntegers } = await import("../cpu/int8/open.js");
  const integers = await openIntegers(network, await nodeHost.wasm(variantOf(traits, false)), traits, false, nodeHost);
  return integers ?? undefined;
}

interface Weights {
  /** The file's: "int8", or the types of its matrices. */
  readonly dtype: string;
  readonly layers: number;
  /** Layers whose weights are integers in the file, and the names of the others where there are some. */
  readonly integers: number;
  readonly float: readonly string[];
  readonly bytes: number;
  /** Of the same layers, BatchNorms folded, in f32. */
  readonly floatBytes: number;
}

function weightsOf(network: Network, { metadata, tensors }: StateDict): Omit<Weights, "bytes" | "floatBytes"> {
  const layers = layersOf(network);
  const isInteger = ({ name }: { name: string }) => tensors.get(`${name}.weight`)?.dtype === "i8";
  if (metadata.has(QUANTIZATION)) {
    const float = layers.filter((it) => !isInteger(it)).map(({ name }) => name);
    return { dtype: "int8", layers: layers.length, integers: layers.length - float.length, float };
  }
  const matrices = [...tensors.values()].filter(({ shape }) => shape.length > 1);
  const dtypes = new Set(matrices.map(({ dtype }) => dtype));
  return { dtype: [...dtypes].sort().join(", "), layers: layers.length, integers: 0, float: [] };
}

function weightsLine({ dtype, layers, integers, bytes, floatBytes }: Weights): string {
  const share = `${(bytes / floatBytes).toFixed(3)} of f32's ${megabytes(floatBytes)}`;
  return dtype === "int8"
    ? `int8, ${integers} of ${layers} layers; the file is ${share}`
    : `${dtype}; the file is ${share}`;
}

const traits = (entries: readonly (readonly [string, unknown])[]) =>
  entries.map(([trait, value]) => `${trait}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");

function scoring(classes: number, scores: Scores = "softmax"): string {
  if (scores === "none") return "none: logits as they are";
  if (classes === 1) return "sigmoid of one logit: class 1, and class 0 has what is left";
  return scores === "sigmoid" ? "sigmoid: classes do not exclude each other" : "softmax";
}

const pixels = (size: Preprocess["crop"]) => (typeof size === "number" ? `${size}` : size.join(" x "));

function shortened(names: readonly string[]): string {
  const more = names.length > 8 ? ` and ${names.length - 8} more` : "";
  return names.slice(0, 8).join(", ") + more;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function millions(count: number): string {
  return (count / 1e6).toFixed(1);
}

/** A residual network's blocks, in brackets; nothing of any other. */
function structureOf(network: Network): string {
  if (!isResidual(network)) return "";
  const { block, layers, shortcut, strideIn } = network.architecture;
  return `  (${block} blocks ${layers.join(", ")}; ${shortcut} shortcut; stride in the ${strideIn})`;
}

import { planMemory } from "../cpu/index.js";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host-node.js";
import { buildNetwork, describeNetwork, modelCard, preprocessFor } from "../model/index.js";
import { readSource } from "../source.js";
import { readWeights } from "../weights/index.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { table } from "./table.js";

/** Prints what a model file holds and what it will cost, without preparing it. */
export async function inspect(names: string[], options: Options): Promise<number> {
  if (names.length > 1) throw new OptionError("inspect takes one model.");
  const named = { ...options, ...(names[0] === undefined ? {} : { model: names[0] }) };
  const load = await loadOptions(named);
  const source = modelOf(named);
  const { bytes, origin, files } = await readSource(nodeHost, source, load);
  const state = await readWeights(bytes, origin, nodeHost);
  const card = modelCard(state, files);
  const network = buildNetwork(state, { ...load, card });
  const description = describeNetwork(network);
  const preprocess = preprocessFor(network, card, load.preprocess);
  const memory = { fast: planMemory(network, { memory: "fast" }), small: planMemory(network, { memory: "small" }) };
  const labels = load.labels ?? card.labels;
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ file: origin, format: state.format, bytes: bytes.length, notes: state.notes ?? [], ...description, preprocess, memory, labels })}\n`,
    );
    return 0;
  }
  const { architecture, input, batchNorms } = description;
  const lines = [
    `${architecture.name}  (${architecture.block} blocks ${architecture.layers.join(", ")}; ${architecture.shortcut} shortcut; stride in the ${architecture.strideIn})`,
    `file          ${origin}, ${state.format}, ${megabytes(bytes.length)}`,
    ...(state.notes ?? []).map((note) => `note          ${note}`),
    `input         1 x ${input.channels} x ${input.height} x ${input.width}`,
    `classes       ${architecture.classes || "none: features"}${labels ? `, ${labels.slice(0, 3).join(", ")} ...` : ""}`,
    `parameters    ${description.parameters.toLocaleString("en-US")}`,
    `MACs          ${millions(description.macs)} M`,
    `BatchNorms    ${batchNorms.folded} folded, ${batchNorms.kept} kept`,
    `wasm memory   fast ${megabytes(memory.fast.total)} (weights ${megabytes(memory.fast.weights)}), small ${megabytes(memory.small.total)} (weights ${megabytes(memory.small.weights)})`,
    `preprocess    resize ${preprocess.resize} ${preprocess.interpolation}, crop ${preprocess.crop}, mean ${preprocess.mean.join(" ")}, std ${preprocess.std.join(" ")}`,
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
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function millions(count: number): string {
  return (count / 1e6).toFixed(1);
}

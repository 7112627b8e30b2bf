import { UnsupportedModelError } from "../../errors.js";
import type { Architecture, Network } from "../../graph/network.js";
import type { Sides } from "../assemble.js";
import type { Parameters } from "../parameters.js";
import type { FamilyReader } from "./family.js";
import type { Unit } from "./inverted.js";
import { Layout } from "./layout.js";
import { extent, type Tensors } from "./tensors.js";

/** A block's layers: a bottleneck as wide inside as outside (Radosavovic et al. 2020, figure 4). */
interface Block {
  readonly name: string;
  readonly units: readonly [one: Unit, grouped: Unit, last: Unit];
  /** What a squeeze's two layers are called, where there is one. */
  readonly squeeze: string | null;
  readonly shortcut: Unit | null;
  /** Whether an average of two by two stands before the shortcut, where it strides. */
  readonly averaged: boolean;
}

interface Names {
  readonly stem: Unit;
  readonly stages: readonly (readonly Block[])[];
  readonly classifier: string;
}

/** Blocks, by the names that `of` gives them, as long as the file has them. */
function stagesOf(tensors: Tensors, of: (stage: number, block: number) => Block): Block[][] {
  const has = (stage: number, block: number) => tensors.has(`${of(stage, block).units[0].conv}.weight`);
  const stages: Block[][] = [];
  for (let stage = 1; has(stage, 0); stage++) {
    const blocks: Block[] = [];
    while (has(stage, blocks.length)) blocks.push(of(stage, blocks.length));
    stages.push(blocks);
  }
  return stages;
}

/** timm's regnet.py: `s1.b1.conv1.conv`. */
function ofTimm(tensors: Tensors): Names {
  const unit = (name: string): Unit => ({ conv: `${name}.conv`, norm: `${name}.bn` });
  const stages = stagesOf(tensors, (stage, block) => {
    const name = `s${stage}.b${block + 1}`;
    const averaged = tensors.has(`${name}.downsample.1.conv.weight`);
    const plain = tensors.has(`${name}.downsample.conv.weight`);
    return {
      name,
      units: [unit(`${name}.conv1`), unit(`${name}.conv2`), unit(`${name}.conv3`)],
      squeeze: tensors.has(`${name}.se.fc1.weight`) ? `${name}.se` : null,
      shortcut: averaged ? unit(`${name}.downsample.1`) : plain ? unit(`${name}.downsample`) : null,
      averaged,
    };
  });
  return { stem: unit("stem"), stages, classifier: "head.fc" };
}

/** torchvision's: `trunk_output.block1.block1-0.f.a.0`. */
function ofTorchvision(tensors: Tensors): Names {
  const unit = (name: string): Unit => ({ conv: `${name}.0`, norm: `${name}.1` });
  const stages = stagesOf(tensors, (stage, block) => {
    const name = `trunk_output.block${stage}.block${stage}-${block}`;
    return {
      name,
      units: [unit(`${name}.f.a`), unit(`${name}.f.b`), unit(`${name}.f.c`)],
      squeeze: tensors.has(`${name}.f.se.fc1.weight`) ? `${name}.f.se` : null,
      shortcut: tensors.has(`${name}.proj.0.weight`) ? unit(`${name}.proj`) : null,
      averaged: false,
    };
  });
  return { stem: unit("stem"), stages, classifier: "fc" };
}

function lay(
  tensors: Tensors,
  { stem, stages, classifier }: Names,
  traits: Partial<Architecture>,
  classes: number,
  parameters: Parameters,
  inputSize: Sides,
): Network {
  const layout = new Layout(parameters, inputSize, traits);
  const { activation = "relu" } = traits;
  const unit = ({ conv, norm }: Unit, stride = 1) => {
    const [out, depth, kernel] = [0, 1, 2].map((axis) => extent(tensors, conv, axis)) as [number, number, number];
    const groups = Math.max(1, Math.floor(layout.shape.channels / depth));
    return layout.convolution(conv, out, { kernel, stride, groups }).batchNorm(norm);
  };
  unit(stem, 2).activate("stem.act", activation);
  layout.endStage("stem");
  for (const [index, blocks] of stages.entries()) {
    for (const [place, { name, units, squeeze, shortcut, averaged }] of blocks.entries()) {
      const stride = place === 0 ? 2 : 1;
      const input = layout.current;
      if (shortcut) {
        const isAverage = averaged && stride > 1;
        if (isAverage) layout.averagePool(`${shortcut.conv}.pool`, 2, stride);
        unit(shortcut, isAverage ? 1 : stride);
      }
      const other = layout.current;
      layout.current = input;
      unit(units[0]).activate(`${name}.act1`, activation);
      unit(units[1], stride).activate(`${name}.act2`, activation);
      if (squeeze !== null)
        layout.squeeze(`${squeeze}.fc1`, `${squeeze}.fc2`, extent(tensors, `${squeeze}.fc1`), activation);
      unit(units[2]).add(`${name}.add`, other).activate(`${name}.act3`, activation);
    }
    layout.endStage(`layer${index + 1}`);
  }
  layout.globalAveragePool("avgpool");
  if (classes > 0) layout.linear(classifier, classes);
  layout.endStage("head");
  return layout.network({ name: "", classes });
}

/** RegNetX and RegNetY (Radosavovic et al. 2020), by timm's and torchvision's names. */
export const regnetReader: FamilyReader = (tensors) => {
  const isTimm = tensors.has("s1.b1.conv1.conv.weight") && tensors.has("stem.conv.weight");
  if (!isTimm && !tensors.has("trunk_output.block1.block1-0.f.a.0.weight")) return null;
  const names = (isTimm ? ofTimm : ofTorchvision)(tensors);
  const { stages, classifier } = names;
  const [first] = stages[0] as [Block];
  const [inner, out] = [first.units[0], first.units[2]].map(({ conv }) => extent(tensors, conv));
  // RegNetZ, whose last layers have no activation, is wider inside.
  if (inner !== out) {
    throw new UnsupportedModelError(
      `${first.units[0].conv}.weight makes ${inner} channels of a block with ${out}: of RegNets those are supported whose blocks are as wide inside as outside.`,
    );
  }
  return {
    name: `regnet${first.squeeze ? "y" : "x"}`,
    classes: tensors.has(`${classifier}.weight`) ? extent(tensors, classifier) : 0,
    classifier: `${classifier}.`,
    usual: { activation: "relu", epsilon: 1e-5 },
    lay: (traits, classes, parameters, inputSize) => lay(tensors, names, traits, classes, parameters, inputSize),
  };
};

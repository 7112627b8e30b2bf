import { UnsupportedModelError } from "../../errors.js";
import type { Architecture, Network } from "../../graph/network.js";
import { withScalesIn } from "../../graph/stored.js";
import { modelCard } from "../card.js";
import { type BuildOptions, construct, type State } from "../construct.js";
import { buildFamily } from "../families/build.js";
import { isFamilyName } from "../families/names.js";
import { withIntegers } from "../integers/rounded.js";
import { scalesArrived, takeScales } from "../integers/scales.js";
import { arrange, normalisation } from "./arrange.js";
import { assembleUnusual } from "./assemble.js";
import { PartParameters } from "./parameters.js";
import { checkArchitecture } from "./stated.js";
import { nameOf, statedByName } from "./well-known.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Builds the network that a file's tensors make up, whatever they are called and whatever is stated of it. Weights stay in the
 * file's bytes until a device reads them; the file may still be on its way.
 *
 * Throws `UnsupportedModelError` naming the first tensor that is missing, left over or of another shape than the network
 * needs, or the field of `architecture` that has to be stated; `ModelFormatError` for values that no BatchNorm can have (those
 * that are on their way throw when they are read), `OptionError` for impossible options.
 */
export function buildNetwork(state: State, options: BuildOptions = {}): Network {
  if (state.build) return state.build(options) as Network;
  const card = options.card ?? modelCard(state);
  const stated: Mutable<Partial<Architecture>> = {
    ...checkArchitecture(card.architecture, "file"),
    ...ofCaller(options.architecture),
  };
  if (stated.head?.at(-1) === "softmax") stated.scores ??= "none";
  const taken = takeScales(state);
  const family = buildFamily(
    taken ? { ...state, tensors: taken.rest } : state,
    { ...options, card },
    stated,
    taken?.scales.weights,
  );
  if (family) return taken ? withIntegers(family, taken.scales, options.integers, withScalesIn) : family;
  if (stated.padding !== undefined || (stated.name !== undefined && isFamilyName(stated.name))) {
    throw new UnsupportedModelError(
      `${stated.name === undefined ? "A padding" : `"${stated.name.slice(0, 80)}"`} is stated, which the file's network has no place for: its tensors are named as a residual network's.`,
    );
  }
  const file = taken?.rest ?? state.tensors;
  const { tensors, ignored } = arrange(file, state.format === "torch", stated, options.includeTop !== false);
  const attention = attentionOf(tensors);
  if (stated.attention !== undefined && stated.attention !== attention) {
    const { architecture: named } = options;
    throw new UnsupportedModelError(
      `${typeof named === "string" ? `"${named.slice(0, 80)}"` : "architecture.attention"} says "${stated.attention}" of the blocks; by its names the file has "${attention}".`,
    );
  }
  const parameters = new PartParameters(tensors, taken?.scales.weights);
  const built = construct(assembleUnusual, state, { ...options, card }, tensors, parameters, {
    ...stated,
    ...(attention === "none" ? {} : { attention }),
  });
  const network = taken ? withIntegers(built, taken.scales, options.integers, withScalesIn) : built;
  const kept = ignored.filter((name) => normalisation.test(name));
  const flaws = network.flaws as string[];
  if (kept.length > 0) {
    flaws.push(
      `The file keeps a normalisation of its own (${kept.join(", ").slice(0, 200)}), which is not applied: compare it with preprocess.mean and std.`,
    );
  }
  const architecture = {
    ...built.architecture,
    name: `${attention === "none" ? "" : attention}${nameOf(built.architecture)}`,
  };
  const grouped = network.stages.some(({ ops }) =>
    ops.some((op) => op.kind === "normalize" && !op.name.endsWith("IN")),
  );
  return {
    ...network,
    architecture,
    ...(grouped && stated.normGroups === undefined ? { assumed: { normGroups: 32 } } : {}),
    ...(ignored.length > 0 ? { ignored } : {}),
  };
}

/** As `buildNetwork`, of a file that may be on its way. */
export async function openNetwork(state: State, options: BuildOptions): Promise<Network> {
  await scalesArrived(state);
  return buildNetwork(state, options);
}

/** Gates in any block: then every block has them. */
function attentionOf(tensors: ReadonlyMap<string, unknown>): NonNullable<Architecture["attention"]> {
  const names = [...tensors.keys()].map((name) => /^layer\d+\.\d+\.se\.(fc1|fc2|conv)\.weight$/.exec(name)?.[1]);
  if (names.includes("fc1") && names.includes("fc2")) return "se";
  return names.includes("conv") ? "eca" : "none";
}

function ofCaller(architecture: BuildOptions["architecture"]): Partial<Architecture> {
  if (architecture === undefined) return {};
  if (typeof architecture !== "string") return checkArchitecture(architecture, "caller");
  return statedByName(architecture);
}

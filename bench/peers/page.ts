// The comparison in a browser: every engine on the same weights and input, one after the other, time to data on the page.
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { type Agreement, compareLogits, logitsOf, mustBeNear } from "./agreement.js";
import {
  type DType,
  inputShape,
  type Model,
  modelAt,
  modelOf,
  type Opened,
  openerOf,
  type Setting,
} from "./engines.js";
import { alternate, type Measured, mustAgree } from "./rounds.js";

export interface PageRequest extends Setting {
  readonly model: string;
  readonly dtype: DType;
  readonly rounds: number;
  /** In an int8 run a name that ends with "-f32" stands for that engine's float network. */
  readonly engines: readonly string[];
  /** Largest difference of a logit, as a share of the largest, at which f32 engines still agree. */
  readonly tolerance: number;
}

const FLOAT = "-f32";

async function compareFloat(request: PageRequest): Promise<Measured[]> {
  const model = modelOf(pseudoRandomNetwork(request.model));
  const { channels, height, width } = model.input;
  const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(0.37 * index));
  const engines: Opened[] = [];
  for (const name of request.engines) engines.push(await openerOf(name)(model, request));
  await mustAgree(engines, input, request.tolerance);
  return alternateAndClose(engines, input, request);
}

/** The files were written for this run. Each engine's int8 network is compared with its float network before any is timed. */
async function compareInt8(request: PageRequest): Promise<Measured[]> {
  const shape = inputShape(pseudoRandomNetwork(request.model));
  const models: Readonly<Record<DType, Model>> = {
    f32: modelAt(`/models/${request.model}-f32`, shape),
    int8: modelAt(`/models/${request.model}-int8`, shape),
  };
  const pictures = await fetchPictures(request.model, shape.channels * shape.height * shape.width);
  const engines: Opened[] = [];
  const agreements: (Agreement | undefined)[] = [];
  for (const name of request.engines) {
    const open = openerOf(name.endsWith(FLOAT) ? name.slice(0, -FLOAT.length) : name);
    const float = await open(models.f32, request);
    if (name.endsWith(FLOAT)) {
      engines.push(float);
      agreements.push(undefined);
      continue;
    }
    const wanted = await logitsOf(float, pictures);
    await float.close();
    const engine = await open(models.int8, request);
    const agreement = compareLogits(wanted, await logitsOf(engine, pictures));
    mustBeNear(engine.name, agreement);
    engines.push(engine);
    agreements.push(agreement);
  }
  const measured = await alternateAndClose(engines, pictures[0]!, request);
  return measured.map((it, index) => {
    const agreement = agreements[index];
    return agreement ? { ...it, name: `${it.name}, int8`, agreement } : { ...it, name: `${it.name}, f32` };
  });
}

async function alternateAndClose(engines: readonly Opened[], input: Float32Array, request: PageRequest) {
  const results = await alternate(engines, input, request.rounds, request.device === "gpu" ? 1 : 5);
  for (const engine of engines) await engine.close();
  return results;
}

async function fetchPictures(model: string, length: number): Promise<Float32Array[]> {
  const all = new Float32Array(await (await fetch(`/models/${model}-pictures.f32`)).arrayBuffer());
  return Array.from({ length: all.length / length }, (_, index) => all.slice(index * length, (index + 1) * length));
}

const compare = (request: PageRequest) => (request.dtype === "int8" ? compareInt8(request) : compareFloat(request));

Object.assign(globalThis, { compare });

import { expect, test } from "vitest";
import type { Graph, Op, Stage, ValueId } from "../../src/graph/network.js";
import { checkStages, cutStages, type Sequence } from "../../src/graph/stages.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor } from "../cpu/engine.js";
import { conv, values, weightOf } from "../cpu/one-operation.js";
import { runReference } from "../model/reference.js";
import { generator } from "../random.js";

const shape = { height: 3, width: 3, channels: 4 };
const relu = (input: ValueId, output: ValueId): Op => ({
  kind: "relu",
  name: `relu ${output}`,
  inputs: [input],
  output,
});
const add = (one: ValueId, other: ValueId, output: ValueId): Op => ({
  kind: "add",
  name: `add ${output}`,
  inputs: [one, other],
  output,
  relu: false,
});
const sequence = (ops: readonly Op[], output = ops.at(-1)!.output): Sequence => ({
  ops,
  input: 0,
  output,
  values: Array.from({ length: Math.max(...ops.map((op) => op.output)) + 1 }, () => shape),
});
const networkOf = (it: Sequence, stages: readonly Stage[]): Graph => ({
  values: it.values,
  stages,
  input: it.input,
  output: it.output,
});
const borders = (stages: readonly Stage[]) => stages.map(({ input, output, ops }) => [input, output, ops.length]);

test("a chain is cut behind every operation, a block behind its sum", () => {
  const chain = [relu(0, 1), relu(1, 2), relu(2, 3)];
  expect(borders(cutStages(sequence(chain)))).toEqual([
    [0, 1, 1],
    [1, 2, 1],
    [2, 3, 1],
  ]);
  const block = [relu(0, 1), relu(1, 2), relu(2, 3), add(3, 1, 4), relu(4, 5)];
  expect(borders(cutStages(sequence(block)))).toEqual([
    [0, 1, 1],
    [1, 4, 3],
    [4, 5, 1],
  ]);
});

test("what is made early and read last leaves one stage", () => {
  const ops = [relu(0, 1), relu(1, 2), relu(2, 3), add(3, 0, 4)];
  expect(borders(cutStages(sequence(ops)))).toEqual([[0, 4, 4]]);
});

test("what the output does not depend on is left out, wherever it stands", () => {
  const ops = [relu(0, 1), relu(0, 2), add(1, 2, 3), relu(1, 4), relu(4, 5)];
  const stages = cutStages(sequence(ops, 4));
  expect(stages.flatMap((stage) => stage.ops.map((op) => op.output))).toEqual([1, 4]);
  expect(borders(stages)).toEqual([
    [0, 1, 1],
    [1, 4, 1],
  ]);
});

test("stages are limited in number, and share the multiply-accumulates", () => {
  const chain = Array.from({ length: 12 }, (_, at) =>
    conv({ name: `conv ${at}`, inputs: [at], output: at + 1, weight: weightOf([4, 4, 1, 1]) }),
  );
  expect(borders(cutStages(sequence(chain), 4))).toEqual([
    [0, 3, 3],
    [3, 6, 3],
    [6, 9, 3],
    [9, 12, 3],
  ]);
  expect(cutStages(sequence(chain), 5)).toHaveLength(5);
  expect(cutStages(sequence(chain), 1).map((stage) => stage.name)).toEqual(["conv 0"]);
  expect(cutStages(sequence([relu(0, 1), relu(1, 2), relu(2, 3)]), 2)).toHaveLength(2);
});

test("what cannot be ordered is refused", () => {
  expect(() => cutStages(sequence([relu(0, 1), add(1, 3, 2), relu(2, 3)]))).toThrow(/"add 2" reads value 3/);
  expect(() => cutStages(sequence([relu(0, 1)], 7))).toThrow(/makes value 7/);
  expect(() => cutStages(sequence([relu(0, 1)], 0))).toThrow(/no operations/);
});

/** Operations on values of one shape, each of which reads any that are there. */
function randomSequence(random: () => number): Sequence {
  const count = 1 + Math.floor(random() * 14);
  // The nearer to 1, the longer a value may wait for its reader.
  const reach = random();
  const ops: Op[] = [];
  for (let output = 1; output <= count; output++) {
    const any = () => Math.max(0, output - 1 - Math.floor(random() * (1 + reach * output)));
    const kind = Math.floor(random() * 4);
    if (kind === 0) ops.push(relu(any(), output));
    else if (kind === 1) ops.push(add(any(), any(), output));
    else {
      const inputs: [ValueId, ...ValueId[]] = kind === 2 ? [any()] : [any(), any()];
      ops.push(conv({ name: `conv ${output}`, inputs, output, weight: weightOf([4, 4, 1, 1]), relu: true }));
    }
  }
  return sequence(ops, random() < 0.8 ? count : 1 + Math.floor(random() * count));
}

test("random graphs: borders are where one value is alive, and stages alone compute what the whole does", () => {
  const random = generator(4);
  const image = values(4 * 9);
  let [single, several] = [0, 0];
  for (let round = 0; round < 400; round++) {
    const it = randomSequence(random);
    const stages = cutStages(it);
    const network = networkOf(it, stages);
    checkStages(network);

    // By the definition: of all values that are there, those that a needed operation behind reads, or that is the output.
    const ops = stages.flatMap((stage) => stage.ops);
    const expected = ops.flatMap((_, index) => {
      const there = [it.input, ...ops.slice(0, index + 1).map((op) => op.output)];
      const alive = there.filter(
        (value) => value === it.output || ops.slice(index + 1).some((op) => op.inputs.some((input) => input === value)),
      );
      return alive.length === 1 ? [[index, alive[0]]] : [];
    });
    const ends = stages.map((_, index) => stages.slice(0, index + 1).flatMap((stage) => stage.ops).length - 1);
    expect(stages.map((stage, index) => [ends[index], stage.output])).toEqual(expected);
    if (stages.length > 1) several++;
    else single++;

    // The reference gives each stage nothing but its input.
    const whole = networkOf(it, [{ name: "all", input: it.input, output: it.output, ops: it.ops }]);
    const answer = runReference(whole, image);
    expect(runReference(network, image)).toEqual(answer);
    const most = 1 + Math.floor(random() * 4);
    const few = networkOf(it, cutStages(it, most));
    checkStages(few);
    expect(few.stages.length).toBeLessThanOrEqual(most);
    expect(few.stages.flatMap((stage) => stage.ops)).toEqual(ops);
    expect(runReference(few, image)).toEqual(answer);
  }
  expect(Math.min(single, several)).toBeGreaterThan(40);
});

test("an engine runs them one by one as it runs the whole", async () => {
  const random = generator(9);
  const image = values(4 * 9);
  for (let round = 0; round < 12; round++) {
    const it = randomSequence(random);
    const network = networkOf(it, cutStages(it, 3));
    const engine = await engineFor(network);
    const last = network.stages.length - 1;
    const whole = (await engine.run(0, last, image)).slice();
    let activation: Float32Array = image;
    for (let stage = 0; stage <= last; stage++) activation = (await engine.run(stage, stage, activation)).slice();
    await engine.close();
    expect(activation).toEqual(whole);
    const expected = runReference(network, image);
    // NHWC, and four channels need no padding.
    for (const [at, value] of whole.entries()) expect(value).toBeCloseTo(expected[(at % 4) * 9 + (at >> 2)]!, 5);
  }
});

test.each(["resnet18", "resnet50", "resnet20-cifar"])("%s: its own borders are among those that can be", (name) => {
  const network = pseudoRandomNetwork(name);
  checkStages(network);
  const ops = network.stages.flatMap((stage) => stage.ops);
  const found = cutStages({ ...network, ops }).map((stage) => stage.output);
  for (const stage of network.stages) expect(found).toContain(stage.output);
});

test("a border in the wrong place is told, and so is a value that is made twice", () => {
  const ops = [relu(0, 1), relu(1, 2), add(2, 1, 3), relu(3, 4)];
  const it = sequence(ops);
  const at = (...ends: number[]) =>
    ends.map((end, index): Stage => {
      const begin = ends[index - 1] ?? 0;
      const input = begin ? ops[begin - 1]!.output : 0;
      return { name: `stage ${index}`, input, output: ops[end - 1]!.output, ops: ops.slice(begin, end) };
    });
  checkStages(networkOf(it, at(1, 3, 4)));
  const refused = (stages: readonly Stage[], message: RegExp) =>
    expect(() => checkStages(networkOf(it, stages))).toThrow(
      expect.objectContaining({ name: "UnsupportedModelError", message: expect.stringMatching(message) }),
    );
  refused(at(2, 4), /"stage 1" reads value 1 in "add 3"/);
  refused(at(1, 3), /gives value 3; the network's output is value 4/);
  const [first, second, third] = at(1, 3, 4) as [Stage, Stage, Stage];
  refused([first, third], /"stage 2" takes value 3; the stage before it gives 1/);
  refused([first, { ...second, output: 0 }, third], /does not make its output, value 0/);
  refused([first, { ...second, ops: [...second.ops, relu(2, 3)] }, third], /makes value 3 in "relu 3" a second time/);
  refused([first, second, { ...third, ops: [relu(3, 9)], output: 9 }], /value 9 in "relu 9", which has no shape/);
});

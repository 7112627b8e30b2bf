import { expect, test } from "vitest";
import { fuse } from "../../src/graph/fuse.js";
import { Assembler, run, slide } from "../../src/model/assemble.js";
import { FileParameters } from "../../src/model/file-parameters.js";
import { recognize } from "../../src/model/recognize.js";
import { engineFor } from "../cpu/engine.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { runReference } from "../model/reference.js";

// docs/extending.md's fourth recipe: a trait that weights do not show, as an assembler of one's own.

/** A network whose stem is followed by a max-pool of two by two, whatever its first convolution. */
class SmallPool extends Assembler {
  protected override stemPool(): void {
    this.maxPool(2, 2, 0, slide);
  }
}

test("a trait of one's own changes the network, and both ways of running it", async () => {
  const { name, size, input } = networkFixtures.find((it) => it.name === "basic")!;
  const { tensors } = fixtureState(name);
  const learned = new Map([...tensors].filter(([it]) => !it.endsWith("num_batches_tracked")));
  const architecture = { ...recognize(learned), name: "with a small pool" };
  const build = (assembler: typeof Assembler) => {
    const parameters = new FileParameters(learned);
    const network = run(new assembler(architecture, parameters, [size, size]), architecture);
    parameters.refuseLeftOver();
    return fuse(network, true);
  };
  const network = build(SmallPool);
  const pools = network.stages[0]!.ops.filter((op) => op.kind === "maxPool");
  expect(pools).toMatchObject([{ kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] }]);

  const expected = runReference(network, input);
  const engine = await engineFor(network);
  const got = await engine.run(0, network.stages.length - 1, input);
  const largest = Math.max(...expected.map(Math.abs));
  for (const [at, value] of expected.entries()) expect(Math.abs(got[at]! - value) / largest).toBeLessThan(1e-5);
  await engine.close();
  expect(Math.abs(runReference(build(Assembler), input)[0]! - expected[0]!)).toBeGreaterThan(1e-3 * largest);
});

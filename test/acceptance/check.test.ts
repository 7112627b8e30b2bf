import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command } from "../cli/command.js";
import { data, noData } from "./data.js";

const file = (name: string) => fileURLToPath(new URL(name, data));

interface Result {
  readonly answer: string;
  readonly layers: readonly { deviation: number }[];
  readonly assumed: { distance: number };
  readonly readings: readonly {
    architecture: { activation?: string; shortcut: string; activationAfterSum?: boolean; antiAliasing?: string };
    mean: readonly number[];
    std: readonly number[];
    distance: number;
  }[];
}

describe.skipIf(noData)(`resnet-edge check on published models${noData}`, () => {
  let folder: string;
  const rows: string[] = [];

  // Two of each class.
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "check-"));
    const images = readFileSync(file("cifar10/test-1000.bin"));
    for (let index = 7; index < 1000; index += 50) {
      const planes = images.subarray(3073 * index + 1, 3073 * (index + 1));
      const data = Uint8Array.from({ length: 3072 }, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]!);
      await sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toFile(join(folder, `${index}.png`));
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    console.log(rows.join("\n"));
  });

  async function check(name: string, images: readonly string[], ...options: string[]): Promise<Result> {
    const { stdout, stderr } = await command("check", file(name), ...images, "--json", ...options);
    if (!stdout) throw new Error(stderr);
    const result = JSON.parse(stdout) as Result;
    const worst = Math.max(0, ...result.layers.map(({ deviation }) => deviation));
    rows.push(
      `${name} ${options.join(" ") || "as it is"}: ${result.answer}; worst layer's deviation ${worst.toFixed(2)}, ` +
        `distance ${result.assumed.distance.toFixed(3)}, of the best ${result.readings[0]!.distance.toFixed(3)}`,
    );
    return result;
  }

  const akamaster = "cifar10/akamaster-resnet20.th";

  test.each([
    [akamaster],
    ["cifar10/distiller-resnet20-projection.pth.tar", "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5"],
    ...(process.env.FULL ? [["cifar10/akamaster-resnet32.th"]] : []),
  ] as string[][])(
    "yes to %s as it was trained",
    async (name, ...options) => {
      expect((await check(name, [folder], ...options)).answer).toBe("fits");
    },
    300_000,
  );

  /** The first; all of them with FULL=1: npm run test:full. */
  const misread = [
    ["--architecture", "shortcut=zero-pad-end"],
    ["--architecture", "activationAfterSum=false"],
    ["--mean", "0,0,0", "--std", "1,1,1"],
    ["--architecture", "activation=silu"],
    ["--architecture", "antiAliasing=blur"],
    ["--mean", "0.4914,0.4822,0.4465", "--std", "0.2023,0.1994,0.201"],
    ["--architecture", "shortcut=none"],
    ["--architecture", "activation=gelu"],
    ["--architecture", "firstStageStride=2"],
    ["--architecture", '{"maxPool":{}}'],
    ["--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5"],
  ];
  test.each(misread.slice(0, process.env.FULL ? misread.length : 1).map((options) => [options] as const))(
    "no to akamaster's ResNet-20 with %j, and the right reading first",
    async (options) => {
      const { answer, readings } = await check(akamaster, [folder], ...options);
      const { architecture, mean, std } = readings[0]!;
      const { activation = "relu", activationAfterSum = true, antiAliasing = "none", shortcut } = architecture;
      expect({ activation, activationAfterSum, antiAliasing, shortcut, mean, std }).toEqual({
        ...{ activation: "relu", activationAfterSum: true, antiAliasing: "none", shortcut: "zero-pad-symmetric" },
        ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      });
      expect(answer).toBe("does not fit");
    },
    300_000,
  );

  // A minute: npm run test:full.
  test.runIf(process.env.FULL)(
    "yes to the ImageNet ResNet-18, which carries no statistics, on 20 photographs",
    async () => {
      const images = readdirSync(file("imagenet/images/")).sort();
      const some = images.filter((_, index) => index % 5 < 2).map((name) => file(`imagenet/images/${name}`));
      expect((await check("imagenet/resnet18.safetensors", some)).answer).toBe("fits");
    },
    600_000,
  );
});

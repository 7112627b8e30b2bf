import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { decodeFile } from "../../src/image/decode-node.js";
import { preprocess } from "../../src/image/index.js";
import { library } from "../built.js";
import { command, lines } from "../cli/command.js";
import { modules } from "../cpu/engine.js";
import { data, json, noData } from "./data.js";

interface Reference {
  readonly file: string;
  readonly class_index: number;
  readonly top5: readonly { index: number; probability: number }[];
}

const file = (name: string) => fileURLToPath(new URL(`imagenet/${name}`, data));

describe.skipIf(noData)(`ImageNet ResNet-18${noData}`, () => {
  const references: readonly Reference[] = noData ? [] : json("imagenet/resnet18-reference.json");

  test("50 photographs from JPEG through the command: PyTorch's classes and probabilities", async () => {
    const result = await command(
      "classify",
      ...references.map((it) => file(`images/${it.file}`)),
      ...[
        "--model",
        file("resnet18.safetensors"),
        "--labels",
        file("imagenet_classes.txt"),
        "--json",
        "--top-k",
        "1000",
      ],
    );
    expect(result.code).toBe(0);
    const answers = lines(result).map((line) => JSON.parse(line));
    expect(answers).toHaveLength(50);
    let same = 0;
    let right = 0;
    let worst = 0;
    for (const [index, { class_index, top5 }] of references.entries()) {
      const predictions: { index: number; score: number }[] = answers[index].predictions;
      if (predictions[0]!.index === top5[0]!.index) same++;
      if (predictions[0]!.index === class_index) right++;
      for (const { index, probability } of top5) {
        const score = predictions.find((it) => it.index === index)!.score;
        worst = Math.max(worst, Math.abs(score - probability));
      }
    }
    console.log(
      `best class as PyTorch ${same} of 50, right ${right}, largest difference of a probability ${worst.toExponential(1)}`,
    );
    expect({ same, right }).toEqual({ same: 50, right: 38 });
    expect(worst).toBeLessThan(0.02);
  });

  describe.each(modules)("%s module", (simd) => {
    test.each(["auto", "direct", "winograd2", "winograd4"] as const)(
      "%s convolutions on the seven reference crops: logits within 1e-4 of the largest",
      async (convolution) => {
        const expected = new Float32Array(new Uint8Array(readFileSync(file("resnet18-reference-logits.f32"))).buffer);
        const model = await library.loadModel(file("resnet18.safetensors"), { simd, convolution });
        let worst = 0;
        for (const [index, { file: name }] of references.entries()) {
          // The crops are what PyTorch saw, to the bit: decoding and scaling have no part in the difference.
          const crop = await decodeFile(file(`crops/${name.replace(/\.JPEG$/, ".png")}`)).catch(() => null);
          if (!crop) continue;
          const { logits } = await model.run(preprocess(crop, { ...model.preprocess, resize: crop.width }));
          const reference = expected.subarray(index * 1000, (index + 1) * 1000);
          const largest = Math.max(...reference.map(Math.abs));
          for (const [at, logit] of logits.entries())
            worst = Math.max(worst, Math.abs(logit - reference[at]!) / largest);
        }
        await model.close();
        console.log(`${simd}, ${convolution}: largest logit error ${worst.toExponential(1)} of the largest logit`);
        expect(worst).toBeGreaterThan(0);
        expect(worst).toBeLessThan(1e-4);
      },
    );
  });
});

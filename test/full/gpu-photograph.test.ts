import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { data, json, noData } from "../acceptance/data.js";
import { launch, noChromium, openPage } from "../browser/chromium.js";
import { serve } from "../browser/server.js";

/** The built library, as the page's script has left it. */
declare const resnetEdge: typeof import("../../src/entry/index.js");

test.skipIf(noData || noChromium)(
  `ImageNet ResNet-18 on a photograph at 224 x 224, on a software adapter in Chromium: PyTorch's five best, in order${noData}${noChromium}`,
  async () => {
    const [reference] = json("imagenet/resnet18-reference.json") as [{ file: string; top5: { index: number }[] }];
    const file = (name: string) => readFileSync(new URL(`imagenet/${name}`, data));
    const files = {
      "/resnet18.safetensors": file("resnet18.safetensors"),
      "/photo.jpg": file(`images/${reference.file}`),
    };
    const site = await serve({ isolated: true, files });
    const browser = await launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");
    try {
      const page = await openPage(browser, site);
      const five = await page.evaluate(async () => {
        const classifier = await resnetEdge.loadClassifier("/resnet18.safetensors", { device: "gpu" });
        const predictions = await classifier.classify(await (await fetch("/photo.jpg")).blob());
        await classifier.close();
        return predictions.map(({ index }) => index);
      });
      expect(five).toEqual(reference.top5.map(({ index }) => index));
    } finally {
      await browser.close();
      site.close();
    }
  },
  180_000,
);

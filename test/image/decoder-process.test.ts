import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { library, root } from "../built.js";

const images = new URL("test/fixtures/images/", root);

test("what the decoder's process says names the picture", async () => {
  const classifier = await library.loadClassifier(undefined, { device: "cpu", worker: false });
  const folder = mkdtempSync(join(tmpdir(), "pictures-"));
  const path = join(folder, "$& half.png");
  writeFileSync(path, readFileSync(new URL("rgb.png", images)).subarray(0, 200));
  try {
    const failure = await classifier.classify(path).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: "ImageDecodeError" });
    expect((failure as Error).message.startsWith(`${path} could not be decoded: `)).toBe(true);
  } finally {
    await classifier.close();
    rmSync(folder, { recursive: true });
  }
});

test("without sharp a model loads and a GIF is classified; a JPEG's error says how to install it", () => {
  const folder = mkdtempSync(join(tmpdir(), "no-sharp-"));
  try {
    cpSync(new URL("dist/", root), join(folder, "dist"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(
      join(folder, "try.js"),
      `import { loadClassifier } from "./dist/node.js";
      const classifier = await loadClassifier(undefined, { device: "cpu", worker: false });
      for (const path of process.argv.slice(2)) {
        const text = await classifier.classify(path, { topK: 1 }).then(([{ label }]) => label, (error) => \`\${error}\`);
        console.log(text);
      }
      await classifier.close();`,
    );
    const paths = ["animated.gif", "exif-1.jpg"].map((name) => fileURLToPath(new URL(name, images)));
    const lines = execFileSync(process.execPath, [join(folder, "try.js"), ...paths], { encoding: "utf8" }).split("\n");
    expect(lines[0]).toMatch(/^\w+$/);
    expect(lines[1]).toMatch(/^ImageDecodeError: .*exif-1\.jpg could not be decoded: .*npm install sharp/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

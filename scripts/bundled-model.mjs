// node scripts/bundled-model.mjs FLOAT.safetensors TRAIN.bin TEST.bin: makes models/cifar110-resnet20x2.int8.safetensors.
// FLOAT is what models/train_cifar110_resnet20.py wrote; TRAIN and TEST are records of CIFAR-10 (a label, then planes of R, G and B).
// `resnet-edge quantize` calibrates on pictures of TRAIN. On TEST both files are counted, and what was found goes into the metadata.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { loadClassifier } from "../dist/node.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = join(root, "models/cifar110-resnet20x2.int8.safetensors");
const SIDE = 32;
const RECORD = 1 + 3 * SIDE * SIDE;
/** Pictures that calibrate; the records are shuffled, so the first ones are of all classes. */
const CALIBRATION = 100;

/** Records as { label, picture: { data, width, height } }, data RGB. */
function recordsOf(file) {
  const bytes = readFileSync(file);
  return Array.from({ length: Math.floor(bytes.length / RECORD) }, (_, index) => {
    const record = bytes.subarray(RECORD * index, RECORD * (index + 1));
    const data = new Uint8Array(RECORD - 1);
    for (let at = 0; at < data.length; at++) data[at] = record[1 + (at % 3) * SIDE * SIDE + Math.floor(at / 3)];
    return { label: record[0], picture: { data, width: SIDE, height: SIDE } };
  });
}

/** How many of the records a model gets right. */
async function rightOf(records, model, options = {}) {
  const classifier = await loadClassifier(model, { device: "cpu", ...options });
  let right = 0;
  for (const { label, picture } of records) {
    const [best] = await classifier.classify(picture, { topK: 1 });
    if (best.index === label) right++;
  }
  await classifier.close();
  return right;
}

/** A safetensors file's metadata and tensors; the offsets of tensors count from the end of the header. */
function partsOf(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  return { metadata, tensors, values: bytes.subarray(8 + length) };
}

function fileOf({ metadata, tensors, values }) {
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, ...tensors }));
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, 0x20);
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return Buffer.concat([header, values]);
}

const [float, train, test] = process.argv.slice(2);
if (!test) {
  console.error("usage: node scripts/bundled-model.mjs FLOAT.safetensors TRAIN.bin TEST.bin");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "calibration-"));
try {
  for (const [index, { picture }] of recordsOf(train)
    .slice(0, 2 * CALIBRATION)
    .entries()) {
    const raw = { width: SIDE, height: SIDE, channels: 3 };
    await sharp(picture.data, { raw })
      .png()
      .toFile(join(folder, `${String(index).padStart(4, "0")}.png`));
  }
  const command = [join(root, "bin/resnet-edge.js"), "quantize", float, "--images", folder, "--output", output];
  execFileSync(process.execPath, [...command, "--calibration", `${CALIBRATION}`], { stdio: "inherit" });
} finally {
  rmSync(folder, { recursive: true });
}

const records = recordsOf(test);
const found = {
  float: await rightOf(records, float),
  int8: await rightOf(records, output),
  int8InFloat: await rightOf(records, output, { precision: "f32" }),
};
console.log(`of ${records.length}: ${JSON.stringify(found)}`);
const source = JSON.parse(partsOf(readFileSync(float)).metadata["resnet-edge"]);
const made = partsOf(readFileSync(output));
made.metadata["resnet-edge"] = JSON.stringify({
  ...JSON.parse(made.metadata["resnet-edge"]),
  accuracy: {
    float: source.accuracy,
    int8: {
      dataset: "CIFAR-10 test, all 110 classes open",
      pictures: records.length,
      right: found.int8,
      float: found.float,
    },
  },
  provenance:
    "Trained for resnet-edge on CIFAR-10 and CIFAR-100 (models/train_cifar110_resnet20.py); quantized by scripts/bundled-model.mjs",
  license: "Apache-2.0",
});
writeFileSync(output, fileOf(made));

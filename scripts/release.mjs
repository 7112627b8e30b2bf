// npm run release [-- --dry-run]: makes a version ready to publish.
// Builds, packs, looks into the tarball, installs it in a project of its own, classifies a picture there by the command and by an
// import, and writes the version's date into CHANGELOG.md. Publishes nothing. With --dry-run CHANGELOG.md stays as it is and the
// tarball is thrown away; with --no-build the build that is there is taken.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a tarball may take, and what must be in it. */
const MOST_PACKED = 2 << 20;
const MOST_UNPACKED = 4 << 20;
const NEEDED = [
  ...["package.json", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "bin/resnet-edge.js"],
  ...["dist/index.js", "dist/page.js", "dist/node.js", "dist/cli.js", "dist/worker.js", "dist/thread.js"],
  ...["dist/node-worker.js", "dist/node-thread.js", "dist/node-decoder.js", "dist/service-worker.js"],
  ...["dist/quantize.js", "dist/quantize-worker.js", "dist/quantize-node.js", "dist/quantize-node-worker.js"],
  ...["baseline", "relaxed", "baseline-threads", "relaxed-threads"].flatMap((variant) => [
    `dist/cpu-${variant}.wasm`,
    `dist/cpu-int8-${variant}.wasm`,
    `dist/cpu-extended-${variant}.wasm`,
    `dist/cpu-int8-extended-${variant}.wasm`,
  ]),
  ...[
    "dist/cifar110-resnet20x2.int8.safetensors",
    "dist/types/src/entry/index.d.ts",
    "dist/types/src/entry/node.d.ts",
    "dist/types/src/entry/service-worker.d.ts",
    "dist/types/src/entry/quantize.d.ts",
    "dist/types/src/entry/quantize-node.d.ts",
    "dist/teach.js",
    "dist/teach-node.js",
    "dist/types/src/entry/teach.d.ts",
    "dist/types/src/entry/teach-node.d.ts",
  ],
];
const REFUSED = /(^|\/)(test|tests|fixtures|node_modules|\.[^/]*)(\/|$)|\.(test|spec)\.|\.tgz$|\.map$|\.npmrc$/;
/** Weights by any name that they are given. */
const WEIGHTS = /\.(safetensors|pth|pt|th|bin|onnx|npz)$/;

/** The files of a packed tarball, by their paths in the package. */
export function filesOf(tarball) {
  const bytes = gunzipSync(tarball);
  const files = new Map();
  // ustar: a header of 512 bytes, then the file in blocks of as many.
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const text = (from, length) => bytes.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    const path = [text(345, 155), text(0, 100)].filter(Boolean).join("/");
    if (["", "0"].includes(text(156, 1)))
      files.set(path.replace(/^package\//, ""), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** What is wrong with a tarball, in sentences; none where it may be published. */
export function flawsOf(tarball) {
  const flaws = [];
  const files = filesOf(tarball);
  for (const path of NEEDED) if (!files.has(path)) flaws.push(`${path} is missing.`);
  const seen = new Map();
  let unpacked = 0;
  for (const [path, bytes] of files) {
    unpacked += bytes.length;
    if (REFUSED.test(path)) flaws.push(`${path} does not belong into the package.`);
    if (!WEIGHTS.test(path)) continue;
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (seen.has(hash)) flaws.push(`${path} is the same model as ${seen.get(hash)}.`);
    seen.set(hash, path);
  }
  if (tarball.length > MOST_PACKED) flaws.push(`It has ${tarball.length} bytes; ${MOST_PACKED} are allowed.`);
  if (unpacked > MOST_UNPACKED) flaws.push(`It unpacks to ${unpacked} bytes; ${MOST_UNPACKED} are allowed.`);
  return flaws;
}

/** The changelog with a date in the heading of `version`. Throws where it has no such heading without a date. */
export function dated(changelog, version, date) {
  const heading = `## ${version} (unreleased)`;
  if (!changelog.split("\n").includes(heading)) throw new Error(`CHANGELOG.md has no heading "${heading}".`);
  return changelog.replace(heading, `## ${version} (${date})`);
}

/** Packs what was built into `folder`; the tarball's path. */
export function pack(folder) {
  const output = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return join(folder, JSON.parse(output)[0].filename);
}

/** Installs a tarball in `folder` and uses it there, as a stranger does. Throws where that fails. */
function tryOut(tarball, folder) {
  const photo = join(root, "examples/photos/cat.jpg");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  writeFileSync(
    join(folder, "main.js"),
    `import { loadClassifier } from "resnet-edge";
const classifier = await loadClassifier();
const [best] = await classifier.classify(process.argv[2]);
await classifier.close();
console.log(best.label);
`,
  );
  const run = (file, ...args) => execFileSync(file, args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  run("npm", "install", "--no-audit", "--no-fund", tarball);
  const command = JSON.parse(run("npx", "--no-install", "resnet-edge", "classify", photo, "--json")).predictions[0]
    .label;
  const imported = run(process.execPath, "main.js", photo).trim();
  if (command !== "cat" || imported !== "cat")
    throw new Error(`A cat is "${command}" to the command and "${imported}" to an import.`);
}

function release({ dryRun, build }) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const changelog = join(root, "CHANGELOG.md");
  const text = dated(readFileSync(changelog, "utf8"), version, new Date().toISOString().slice(0, 10));
  if (build) execFileSync("npm", ["run", "build"], { cwd: root, stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "release-"));
  const before = readFileSync(changelog, "utf8");
  try {
    // First, since the changelog is in the tarball.
    if (!dryRun) writeFileSync(changelog, text);
    const tarball = pack(dryRun ? folder : root);
    const bytes = readFileSync(tarball);
    const flaws = flawsOf(bytes);
    if (flaws.length) throw new Error(flaws.join("\n"));
    console.log(`${filesOf(bytes).size} files, ${(bytes.length / 1e6).toFixed(2)} MB`);
    tryOut(tarball, folder);
    console.log("installed, classified by the command and by an import");
    if (!dryRun) console.log(`${tarball}\nCommit CHANGELOG.md, tag v${version}, and npm publish this file.`);
  } catch (error) {
    if (!dryRun) writeFileSync(changelog, before);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, "no-build": { type: "boolean" } } });
  try {
    release({ dryRun: values["dry-run"], build: !values["no-build"] });
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}

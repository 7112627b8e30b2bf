// Writes docs/benchmarks.md and its chart from the results in bench/results: npm run bench:report
import { readdir, readFile, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const folder = new URL("bench/results/", root);
const runs = [];
for (const name of (await readdir(folder)).filter((it) => it.endsWith(".json")).sort()) {
  runs.push({ name: name.slice(0, -5), results: JSON.parse(await readFile(new URL(name, folder), "utf8")) });
}

const ms = (value) => value.toFixed(value < 10 ? 2 : 1);
/** As run.mjs has them: what a command need not say. */
const defaultFlags = { f32: [""], int8: ["", "--no-enable-avx-vnni", "--wasm-revectorize"] };
const distinct = (list) => [...new Set(list)];

const sections = runs.map(({ name, results }) => {
  const [{ browser, cpu, date, threads, rounds, device, dtype = "f32", pictures }] = results;
  const flagSets = distinct(results.map(({ flags }) => flags));
  const options = [
    ...(dtype === "f32" ? [] : [`--dtype ${dtype}`]),
    `--models ${distinct(results.map(({ model }) => model)).join(",")}`,
    `--rounds ${rounds}`,
    ...(threads === 1 ? [] : [`--threads ${threads}`]),
    ...(device === "gpu" ? ["--device gpu"] : []),
    ...(String(flagSets) === String(defaultFlags[dtype]) ? [] : flagSets.map((flags) => `--js-flags=${flags}`)),
    `--engines ${results[0].engines.join(",")}`,
    ...(results.some(({ measured }) => measured.some((it) => /native/.test(it.name))) ? ["--native"] : []),
    ...(pictures === "photographs" ? ["--imagenet DIR"] : []),
    `--out ${name}`,
  ];
  const [, adapter] = /webgpu (.*)$/.exec(results[0].measured[0].name) ?? [];
  const on = adapter ? `WebGPU on ${adapter}` : `${threads} thread${threads === 1 ? "" : "s"}`;
  return `## ${name}

${date}, ${cpu}, Chromium ${browser}, ${on}, batch 1, ${dtype}, ${rounds} rounds${pictures ? `, compared on ${pictures}` : ""}.

\`npm run bench:peers -- ${options.join(" ")}\`

${results.map((result) => (dtype === "int8" ? int8Table(result) : table(result))).join("\n\n")}
`;
});

function table({ model, measured }) {
  const [ours] = measured;
  return `| ${model} | median ms | min | p10 to p90 | times ours | by minima |
| --- | ---: | ---: | ---: | ---: | ---: |
${measured.map((it) => `| ${cells(it, ours)} |`).join("\n")}`;
}

/** With each engine's agreement with its own float network. */
function int8Table({ model, flags, measured }) {
  const [ours] = measured;
  const near = ({ agreement }) =>
    agreement ? `${agreement.same} of ${agreement.pictures} | ${agreement.cosine.toFixed(4)}` : " | ";
  return `| ${model}${flags && `, \`${flags}\``} | median ms | min | p10 to p90 | times ours | by minima | same best class | cosine |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${measured.map((it) => `| ${cells(it, ours)} | ${near(it)} |`).join("\n")}`;
}

function cells({ name, median, min, p10, p90 }, ours) {
  const ratios = [median / ours.median, min / ours.min].map((ratio) => ratio.toFixed(2));
  return [name, ms(median), ms(min), `${ms(p10)} to ${ms(p90)}`, ...ratios].join(" | ");
}

/** Bars of medians, one group a model, each group scaled to its slowest: what matters is the ratio within a group. */
function chart({ results }) {
  const longest = Math.max(...results.flatMap(({ measured }) => measured.map(({ name }) => name.length)));
  const [left, bar, gap, width] = [Math.max(250, Math.round(6.8 * longest)), 18, 34, 820];
  let y = 30;
  const rows = [];
  for (const { model, flags, measured } of results) {
    rows.push(`<text x="0" y="${y}" class="model">${[model, flags].filter(Boolean).join(", ")}</text>`);
    y += 10;
    const slowest = Math.max(...measured.map(({ median }) => median));
    for (const [index, { name, median }] of measured.entries()) {
      const length = ((width - left - 130) * median) / slowest;
      rows.push(
        `<text x="${left - 10}" y="${y + 13}" class="name">${name}</text>`,
        `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar - 4}" rx="2" class="${index === 0 ? "ours" : "peer"}"/>`,
        `<text x="${(left + length + 8).toFixed(1)}" y="${y + 12}">${ms(median)} ms${index === 0 ? "" : `  (${(median / measured[0].median).toFixed(1)}x)`}</text>`,
      );
      y += bar;
    }
    y += gap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y - gap + 12}" font-family="system-ui, sans-serif" font-size="12">
<title>Median time of one inference by engine; shorter is better</title>
<style>text{fill:#24292f}.model{font-weight:600;font-size:14px}.name{text-anchor:end}.ours{fill:#0a7d4f}.peer{fill:#b4bcc6}@media (prefers-color-scheme:dark){text{fill:#e6edf3}.ours{fill:#3fb984}.peer{fill:#57606a}}</style>
${rows.join("\n")}
</svg>
`;
}

/** Results of npm run test:gpu, one file an adapter. */
const gpus = [];
for (const name of (await readdir(new URL("gpu/", folder)).catch(() => [])).sort()) {
  gpus.push(JSON.parse(await readFile(new URL(`gpu/${name}`, folder), "utf8")));
}
const gpuSections = gpus.map(
  ({ adapter, date, size, rounds, pytorch, results }) => `## ${adapter}

${date}, ${size}x${size}, ${rounds} rounds, from data on the host to logits there; \`npm run test:gpu\`.

| model | engine | storage | images | median ms | min | logits off by |
| --- | --- | --- | ---: | ---: | ---: | ---: |
${results
  .map(({ model, engine, precision = "", images, median, min, difference, error }) =>
    error
      ? `| ${model} | ${engine} | ${precision} | | ${error} | | |`
      : `| ${model} | ${engine} | ${precision} | ${images} | ${ms(median)} | ${ms(min)} | ${difference?.toExponential(1) ?? ""} |`,
  )
  .join("\n")}
${pytorch.skip ? `\nPyTorch: ${pytorch.skip}.\n` : ""}`,
);

const charts = [];
for (const [name, file, caption] of [
  ["peers-1-thread", "benchmarks", "Median time of one inference by engine"],
  ["peers-int8", "benchmarks-int8", "Median time of one inference in int8, by engine"],
]) {
  const run = runs.find((it) => it.name === name);
  if (!run) continue;
  await writeFile(new URL(`docs/${file}.svg`, root), chart(run));
  charts.push(`![${caption}](${file}.svg)`);
}
/** What stands where nobody has measured int8 yet. */
const int8Section = runs.some(({ name }) => name === "peers-int8")
  ? []
  : [
      `## peers-int8

Not measured yet.

\`npm run bench:peers -- --dtype int8 --native --out peers-int8\`
`,
    ];
await writeFile(
  new URL("docs/benchmarks.md", root),
  `# Benchmarks

Generated by \`npm run bench:report\` from \`bench/results/\`; each section names the command that made it.

Every engine gets the same pseudo-random weights and the same input, and no time counts before all logits agree. Engines take
turns, round by round, in one Chromium: an inference that does not count, then some for a quarter of a second, from the call to data
on the page's own thread. Onnxruntime's native build (in Node) stands beside them for scale, with AVX2 and, where the machine has it, with
AVX-512; with AVX2 there it is a copy of its library that is told of no more. On shared machines slow phases of up to twice the time fall on whoever keeps the
multipliers busiest, so that minima stand beside medians.

In int8 each engine gets a file of its own kind, made from the same weights: LiteRT.js a full-integer TensorFlow Lite model, all of it on
XNNPACK; onnxruntime one of \`QLinearConv\` and its kin (the form with \`QuantizeLinear\` and \`DequantizeLinear\` becomes the same when it is
loaded, and takes the same time); this library its quantised safetensors. Scales are the smallest and the largest value on some pictures,
the same for both peers. No time counts before each engine's logits are near its own float network's on other pictures: the best class and
the cosine stand in the table. Processors without VNNI are stood for by V8's flag \`--no-enable-avx-vnni\`.

${charts.join("\n\n")}

${[...sections, ...int8Section, ...gpuSections].join("\n")}`,
);
console.log(`docs/benchmarks.md from ${runs.map(({ name }) => name).join(", ")}`);

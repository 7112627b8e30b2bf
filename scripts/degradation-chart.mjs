// Draws the curves that scripts/train-degradation.py leaves: node scripts/degradation-chart.mjs docs/degradation.json docs/residual.svg
import { readFileSync, writeFileSync } from "node:fs";

const [, , input, output] = process.argv;
const { recipe, networks } = JSON.parse(readFileSync(input, "utf8"));
const [width, height, left, top, gap] = [340, 300, 48, 44, 116];
const most = 0.9;
const LINE = 14;

const names = ["plain-56", "plain-20", "residual-56", "residual-20"];
const panels = [
  ["train", "Error on the training pictures"],
  ["test", "Error on the test pictures"],
];
const x = (panel, epoch) => left + panel * (width + gap) + (width * epoch) / recipe.epochs;
const y = (error) => top + height * (1 - error / most);
const at = (...numbers) => numbers.map((it) => it.toFixed(1)).join(",");

/** Labels at the lines' ends, moved apart where they would meet, and up where they would go below the chart. */
function places(ends) {
  const sorted = [...ends].sort((a, b) => a.y - b.y);
  for (const [index, it] of sorted.entries()) {
    if (index > 0) it.y = Math.max(it.y, sorted[index - 1].y + LINE);
  }
  for (const [index, it] of sorted.reverse().entries()) {
    it.y = Math.min(it.y, index > 0 ? sorted[index - 1].y - LINE : y(0) + 4);
  }
  return sorted;
}

const parts = panels.map(([what, title], panel) => {
  const begin = x(panel, 0);
  const lines = [0, 0.2, 0.4, 0.6, 0.8].map(
    (error) =>
      `<line x1="${begin}" x2="${x(panel, recipe.epochs)}" y1="${y(error)}" y2="${y(error)}" class="grid"/>` +
      `<text x="${begin - 6}" y="${y(error) + 4}" text-anchor="end">${Math.round(100 * error)} %</text>`,
  );
  const ticks = [0, 5, 10, 15, 20, 25, 30]
    .filter((epoch) => epoch <= recipe.epochs)
    .map((epoch) => `<text x="${x(panel, epoch)}" y="${top + height + 18}" text-anchor="middle">${epoch}</text>`);
  const curves = names.map((name) => {
    const points = networks[name][what].map((error, epoch) => at(x(panel, epoch + 1), y(error)));
    return `<polyline points="${points.join(" ")}" class="${name}"/>`;
  });
  const labels = places(
    names.map((name) => ({
      name,
      y: y(networks[name][what].at(-1)) + 4,
      x: x(panel, networks[name][what].length) + 6,
    })),
  ).map((it) => `<text x="${it.x.toFixed(1)}" y="${it.y.toFixed(1)}" class="name ${it.name}">${it.name}</text>`);
  return [
    `<text x="${begin}" y="24" class="title">${title}</text>`,
    ...lines,
    ...ticks,
    `<text x="${begin + width / 2}" y="${top + height + 36}" text-anchor="middle">epochs</text>`,
    ...curves,
    ...labels,
  ].join("\n");
});

const style = [
  "text{fill:#24292f}.title{font-weight:600;font-size:14px}.grid{stroke:#d0d7de}polyline{fill:none;stroke-width:2}",
  "polyline.plain-56,polyline.residual-56{stroke-width:3}polyline.plain-20,polyline.residual-20{stroke-dasharray:5 3}",
  "polyline.plain-56,polyline.plain-20{stroke:#b35900}polyline.residual-56,polyline.residual-20{stroke:#0a7d4f}",
  ".name.plain-56,.name.plain-20{fill:#b35900}.name.residual-56,.name.residual-20{fill:#0a7d4f}",
  "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}polyline.plain-56,polyline.plain-20{stroke:#f0883e}",
  "polyline.residual-56,polyline.residual-20{stroke:#3fb984}.name.plain-56,.name.plain-20{fill:#f0883e}",
  ".name.residual-56,.name.residual-20{fill:#3fb984}}",
].join("");
const size = `${left + 2 * (width + gap)} ${top + height + 48}`;
writeFileSync(
  output,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" font-family="system-ui, sans-serif" font-size="12">
<title>Plain and residual networks of 20 and 56 layers: errors by epoch</title>
<style>${style}</style>
${parts.join("\n")}
</svg>
`,
);

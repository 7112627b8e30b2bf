import { networkTitle } from "../names.js";
import type { Configuration, CpuConfiguration, GpuConfiguration, NetworkReport } from "../report.js";
import { barChart } from "./bar-chart.js";
import { html } from "./element.js";
import { digits, megabytes, milliseconds, percent } from "./format.js";
import { fastest, labelOf, seriesOf, shortLabelOf, sorted } from "./series.js";
import { dataTable } from "./table.js";

/** Everything that was measured of one network, each chart with its table. */
export function networkSection(network: NetworkReport): HTMLElement {
  const id = `network-${network.name}`;
  const charts = [stageByStage(network), threadScaling(network)].filter((part) => part !== null);
  const parts = [
    turns(network),
    configurationTable(network),
    endToEnd(network),
    html("div", { class: "charts" }, ...charts),
    operations(network),
  ];
  return html(
    "section",
    { class: "network", "aria-labelledby": id },
    html("h2", { id }, networkTitle(network.name)),
    ...parts.filter((part) => part !== null),
  );
}

function configurationTable(network: NetworkReport): HTMLElement {
  const rows = sorted(network).map((it) => [
    labelOf(it),
    digits(it.latency.median),
    `${digits(it.latency.low)} to ${digits(it.latency.high)}`,
    digits(it.latency.min),
    digits(it.latency.p90),
    digits(it.imagesPerSecond),
    digits(it.gflops),
    it.device === "cpu" ? share(it.shareOfRoof) : "–",
    digits(it.loadMs),
    digits(it.firstMs),
    megabytes(it.memoryBytes),
    it.kernels,
  ]);
  const columns = [
    ...["Configuration", "Median ms", "Its interval", "Min ms", "p90 ms", "Images/s", "GFLOP/s"],
    ...["Of roof", "Load ms", "First ms", "Memory", "Kernels"],
  ];
  const section = part(
    "Configurations",
    "GFLOP/s count the direct algorithm. The roof is what this module’s threads do together when multiply-adds never leave their registers; shares of it count the multiply-adds that kernels do, which are fewer in Winograd’s.",
    dataTable(`${networkTitle(network.name)}: every configuration`, columns, rows),
  );
  section.classList.add("configurations");
  return section;
}

/** Unknown where the roof was measured in a slower phase of the device. */
const share = (of: number | null) => (of === null ? "–" : percent(of));

function turns({ name, turns }: NetworkReport): HTMLElement | null {
  if (!turns) return null;
  const { configurations, planned, verdict, control } = turns;
  const done = configurations[0]!.ms.length;
  const ratioOf = (of: string) => verdict?.ratios.find((it) => it.name === of)?.ratio;
  const rows = configurations.map(({ name: of, spread: { median, low, high } }) => {
    const ratio = ratioOf(of);
    const times = ratio ? [ratio.median.toFixed(3), `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`] : ["–", "–"];
    return [of, digits(median), `${digits(low)} to ${digits(high)}`, ...times];
  });
  const unfinished = done < planned ? `${done} of ${planned} rounds: no verdict before the last.` : "";
  const check = control
    ? ` One configuration entered twice: ${control.winner === null ? "no difference measured, as it should be" : "told apart, so noise on this device passes for a difference; trust no verdict"}.`
    : "";
  const section = part(
    `In turns, ${done} ${done === 1 ? "round" : "rounds"}`,
    "Each turn opens an engine of its own. Intervals are of medians, and ratios are taken round by round; a winner must be 2 % faster than all others, with one error in a thousand.",
    dataTable(
      `${networkTitle(name)}: configurations in turns`,
      ["Configuration", "Median ms", "Its interval", "Times the fastest", "Its interval"],
      rows,
    ),
  );
  section.classList.add("turns");
  section.append(html("p", { class: "verdict" }, `${verdict?.text ?? unfinished}${check}`));
  return section;
}

function endToEnd({ name, endToEnd: seen, configurations }: NetworkReport): HTMLElement | null {
  if (!seen) return null;
  const alone = configurations.find((it) => labelOf(it) === seen.configuration)?.latency;
  const row = (what: string, { median, low, high }: { median: number; low: number; high: number }) => [
    what,
    digits(median),
    `${digits(low)} to ${digits(high)}`,
  ];
  const rows = [
    row("decode", seen.decode),
    row("resize, crop, normalise", seen.preprocess),
    row("inference", seen.inference),
    row("whole", seen.whole),
    ...(alone ? [row("the network alone", alone)] : []),
  ];
  const section = part(
    "Pictures end to end",
    `${seen.pictures.length} pictures, from their files’ bytes to logits, one at a time; ${seen.configuration}.`,
    dataTable(`${networkTitle(name)}: pictures end to end`, ["Part", "Median ms", "Its interval"], rows),
  );
  section.classList.add("end-to-end");
  return section;
}

/** One CPU thread, the best number of them, and the GPU: what a reader compares. */
function compared(network: NetworkReport): Configuration[] {
  const all = sorted(network);
  const cpu = all.filter((it): it is CpuConfiguration => it.device === "cpu");
  const one = cpu.find(({ threads, simd }) => threads === 1 && simd === "relaxed") ?? cpu[0];
  const bestMany = fastest({ ...network, configurations: cpu.filter(({ threads }) => threads > 1) });
  const gpus = all.filter(({ device }) => device === "gpu");
  return [one, bestMany, ...gpus].filter((it) => it !== undefined);
}

function stageByStage(network: NetworkReport): HTMLElement | null {
  const shown = compared(network);
  if (!shown[0]) return null;
  const stages = shown[0].stages.map(({ stage }) => stage);
  const gpus = shown.filter((it): it is GpuConfiguration => it.device === "gpu");
  const overhead = "moves and wait";
  const timeOf = (it: Configuration, stage: string) => {
    if (stage !== overhead) return it.stages.find((of) => of.stage === stage)!.ms;
    return it.device === "gpu" ? it.waitMs + it.moveMs : 0;
  };
  const lines = gpus.length > 0 ? [...stages, overhead] : stages;
  const groups = lines.map((stage) => ({
    label: stage,
    bars: shown
      .filter((it) => stage !== overhead || it.device === "gpu")
      .map((it) => ({ series: seriesOf(it), value: timeOf(it, stage), text: milliseconds(timeOf(it, stage)) })),
  }));
  const cell = (it: Configuration, stage: string) => {
    if (stage === overhead) return it.device === "gpu" ? [digits(timeOf(it, stage)), ""] : ["", ""];
    const { ms, gflops } = it.stages.find((of) => of.stage === stage)!;
    return [digits(ms), digits(gflops)];
  };
  const sums = shown.flatMap((it) => [digits(lines.reduce((sum, stage) => sum + timeOf(it, stage), 0)), ""]);
  const rows = [...lines.map((stage) => [stage, ...shown.flatMap((it) => cell(it, stage))]), ["sum", ...sums]];
  const columns = ["Stage", ...shown.flatMap((it) => [`${shortLabelOf(it)}, ms`, "GFLOP/s"])];
  return part(
    "Stage by stage",
    gpus.map(scheduleOf).join(" "),
    barChart({
      description: `Median time of each stage on ${shown.map(labelOf).join(", ")}; the table has the figures`,
      groups,
      legend: shown.map((it) => ({ series: seriesOf(it), label: labelOf(it) })),
    }),
    dataTable(`${networkTitle(network.name)}: stages`, columns, rows),
  );
}

function scheduleOf(gpu: GpuConfiguration): string {
  const { gpuStages, predictedMs } = gpu.schedule;
  const where = gpuStages.length === 0 ? "all on the CPU" : `${gpuStages.join(", ")} on the GPU`;
  return `By these times the scheduler runs ${where} (${labelOf(gpu)} beside one CPU thread): ${milliseconds(predictedMs)} predicted.`;
}

function threadScaling(network: NetworkReport): HTMLElement | null {
  const cpu = sorted(network).filter((it): it is CpuConfiguration => it.device === "cpu");
  const most = cpu.reduce((a, b) => (b.threads > a.threads ? b : a), cpu[0]!);
  const series = cpu.filter(({ simd }) => simd === most?.simd);
  if (series.length < 2) return null;
  const one = series[0]!.latency.median;
  const speedup = (it: CpuConfiguration) => one / it.latency.median;
  const groups = series.map((it) => ({
    label: it.threads === 1 ? "1 thread" : `${it.threads} threads`,
    bars: [{ series: seriesOf(it), value: speedup(it), ideal: it.threads, text: `${speedup(it).toFixed(2)} ×` }],
  }));
  const rows = series.map((it) => [
    String(it.threads),
    digits(it.latency.median),
    `${speedup(it).toFixed(2)} ×`,
    percent(speedup(it) / it.threads),
  ]);
  return part(
    "Threads",
    "",
    barChart({
      description: `Speed beside one thread: ${groups.map(({ label, bars }) => `${label} ${bars[0]!.text}`).join(", ")}`,
      groups,
      legend: [
        { series: "many", label: "measured" },
        { series: "ideal", label: "if every thread were worth one" },
      ],
    }),
    dataTable(`${networkTitle(network.name)}: threads`, ["Threads", "Median ms", "Speed", "Efficiency"], rows),
  );
}

function operations(network: NetworkReport): HTMLElement | null {
  const found = network.configurations.find(
    (it): it is CpuConfiguration => it.device === "cpu" && it.operations.length > 0,
  );
  if (!found) return null;
  const details = html("details", {}, html("summary", {}, `Operation by operation: ${labelOf(found)}`));
  // Sixty rows that few people open.
  details.addEventListener(
    "toggle",
    () => {
      const rows = found.operations.map(({ operation, stage, kernel, ms, macs, share: of }) => [
        operation,
        stage,
        kernel,
        ms.toFixed(3),
        macs && ms ? digits((2 * macs) / ms / 1e6) : "",
        macs && ms ? share(of) : "",
      ]);
      const columns = ["Operation", "Stage", "Kernel", "ms", "GFLOP/s", "Of roof"];
      details.append(dataTable(`${networkTitle(network.name)}: operations`, columns, rows));
    },
    { once: true },
  );
  return details;
}

function part(title: string, note: string, ...children: HTMLElement[]): HTMLElement {
  return html(
    "section",
    { class: "part" },
    html("h3", {}, title),
    ...(note ? [html("p", { class: "note" }, note)] : []),
    ...children,
  );
}

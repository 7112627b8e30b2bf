import { shown } from "../../base/shown.js";
import { packageVersion } from "../../base/version.js";
import type { Spread } from "../../bench/statistics.js";
import { sparkline } from "../../bench/sustained.js";
import { table } from "../table.js";
import type { Result, Timed } from "./result.js";

const ms = (value: number) => value.toFixed(value < 1 ? 3 : 2);
const range = ({ low, high, confidence }: Spread) =>
  `${ms(low)} to ${ms(high)} with ${(100 * confidence).toFixed(0)} % confidence`;
const rate = ({ macs, ms: time }: Timed) => (macs ? ((2 * macs) / time / 1e6).toFixed(1) : "");
const share = (it: Timed) => (it.macs ? percent(it.share) : "");
const percent = (value: number | null) => (value === null ? "–" : `${(100 * value).toFixed(0)} %`);
const threadsOf = (threads: number) => `${threads} ${threads === 1 ? "thread" : "threads"}`;

interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly head?: readonly string[];
  readonly rows?: readonly (readonly string[])[];
}

/** The report for a terminal. */
export function plainText(result: Result): string[] {
  const lines: string[] = [];
  for (const { title, notes, head, rows } of sectionsOf(result)) {
    lines.push(...(title ? [title] : []), ...notes, ...(head && rows ? ["", ...table(head, rows)] : []), "");
  }
  return lines;
}

/** The report as Markdown, to be published as it is. */
export function markdown(result: Result): string[] {
  const lines: string[] = [];
  const cell = (text: string) => shown(text).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
  for (const [index, { title, notes, head, rows }] of sectionsOf(result).entries()) {
    lines.push(`${index === 0 ? "##" : "###"} ${escaped(title)}`, "");
    for (const note of notes) lines.push(`- ${escaped(note)}`);
    if (notes.length > 0) lines.push("");
    if (!head || !rows) continue;
    const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
    lines.push(
      line(head),
      `| ${head.map((_, column) => (column === 0 ? "---" : "---:")).join(" | ")} |`,
      ...rows.map(line),
      "",
    );
  }
  return lines;
}

/** A name in a file or of a processor makes no heading, link or element. */
const escaped = (text: string) => shown(text).replace(/[\\`*_[\]<>#|]/g, "\\$&");

function sectionsOf(result: Result): Section[] {
  const { network, whole, threads, threadsReason, kernels, machine, roof, roofOfOne, tiles, stages, ops, plan } =
    result;
  const { channels, height, width } = network.values[network.input]!;
  const sum = stages.reduce((total, stage) => total + stage.ms, 0);
  const { processor, cores, memoryGiB, system, runtime, v8, flags } = machine;
  const rated = Object.entries(tiles).map(
    ([tile, value]) =>
      `${tile} ${value.toFixed(1)} GFLOP/s (${percent(value <= roofOfOne ? value / roofOfOne : null)})`,
  );
  const sections: Section[] = [
    {
      title: `${network.architecture.name}: ${ms(whole.median)} ms`,
      notes: [
        `median of ${result.runs} inferences of 1 x ${channels} x ${height} x ${width}; ${range(whole)}; ${ms(whole.min)} min, ${ms(whole.p90)} p90`,
        `${kernels}, ${threads} thread(s)${threads > 1 ? "" : ` (${threadsReason})`}, load ${result.loadMs.toFixed(0)} ms, ${(result.wasmBytes / 1e6).toFixed(1)} MB`,
        `${processor}, ${cores} cores, ${memoryGiB} GiB; ${system}`,
        `${runtime}, V8 ${v8}${flags.length > 0 ? `, ${flags.join(" ")}` : ", no flags"}; resnet-edge ${packageVersion}; ${result.date}`,
        `roof of registers-only multiply-adds: ${roof.toFixed(1)} GFLOP/s with ${threadsOf(threads)} of this module; ${roofOfOne.toFixed(1)} with one`,
        `matrix product alone, one thread: ${rated.join(", ")}`,
        "GFLOP/s below count the direct algorithm; shares of the roof count the multiply-adds that kernels do",
      ],
    },
    {
      title: `Stages, with ${threadsOf(threads)}`,
      notes: [
        `the sum is ${ms(sum)} ms, and the whole takes ${ms(whole.median)} ms: records that are timed one by one begin and end one by one`,
      ],
      head: ["stage", "ms", "GFLOP/s", "of roof"],
      rows: [
        ...stages.map((it) => [it.name, it.ms.toFixed(3), rate(it), share(it)]),
        ["sum", sum.toFixed(3), "", ""],
        ["whole", whole.median.toFixed(3), "", ""],
      ],
    },
    {
      title: `Operations, with ${threadsOf(threads)}`,
      notes: [],
      head: ["operation", "kernel", "ms", "GFLOP/s", "of roof"],
      rows: ops.map((op) => [op.name, op.kernel, op.ms.toFixed(3), rate(op), share(op)]),
    },
  ];
  return [
    ...sections,
    ...endToEndOf(result),
    ...sustainedOf(result),
    ...comparisonOf(result),
    ...(plan ? [planOf(plan)] : []),
  ];
}

function planOf({ plan, measuredMs, streamMs }: NonNullable<Result["plan"]>): Section {
  return {
    title: "",
    notes: [
      ...String(plan).split("\n"),
      `measured ${measuredMs.toFixed(2)} ms one at a time, ${streamMs.toFixed(2)} ms each in a stream`,
    ],
  };
}

function endToEndOf({ endToEnd: seen, whole }: Result): Section[] {
  if (!seen) return [];
  const row = (name: string, it: Spread) => [name, ms(it.median), ms(it.low), ms(it.high)];
  return [
    {
      title: `End to end, ${seen.pictures.length} ${seen.pictures.length === 1 ? "picture" : "pictures"}`,
      notes: ["from a file's bytes to logits, one picture at a time; decoding is in a process of its own"],
      head: ["part", "median ms", "from", "to"],
      rows: [
        row("decode, resize, crop", seen.decode),
        row("normalise", seen.preprocess),
        row("inference", seen.inference),
        row("whole", seen.whole),
        row("the network alone", whole),
      ],
    },
  ];
}

function sustainedOf({ sustained }: Result): Section[] {
  if (!sustained || sustained.points.length === 0) return [];
  const { points } = sustained;
  const [first, last] = [points[0]!, points.at(-1)!];
  return [
    {
      title: `Sustained, ${Math.round(last.seconds)} s`,
      notes: [
        sparkline(points),
        `${ms(first.ms)} ms in the first second, ${ms(last.ms)} ms in the last; at the end ${sustained.throttling.toFixed(2)} times as long as at the fastest`,
      ],
    },
  ];
}

function comparisonOf({ comparison }: Result): Section[] {
  if (!comparison) return [];
  const { configurations, verdict } = comparison;
  const ratioOf = (name: string) => verdict.ratios.find((it) => it.name === name)?.ratio;
  return [
    {
      title: `Configurations in turns, ${verdict.rounds} rounds`,
      notes: [verdict.text],
      head: ["configuration", "median ms", "from", "to", "times the fastest", "from", "to"],
      rows: configurations.map(({ name, ms: it }) => {
        const ratio = ratioOf(name);
        const ratios = ratio ? [ratio.median, ratio.low, ratio.high].map((value) => value.toFixed(3)) : ["1", "", ""];
        return [name, ms(it.median), ms(it.low), ms(it.high), ...ratios];
      }),
    },
  ];
}

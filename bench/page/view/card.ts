import { networkTitle } from "../names.js";
import type { NetworkReport, Report } from "../report.js";
import { barChart } from "./bar-chart.js";
import { html } from "./element.js";
import { dateAndTime, digits, milliseconds, multiplyAdds } from "./format.js";
import { fastest, labelOf, seriesOf, sorted } from "./series.js";

/** The part that is worth a screenshot: which device, when, and how fast. */
export function summaryCard(report: Report): HTMLElement[] {
  const { networks, settings, unavailable, notes } = report;
  const facts = factsOf(report);
  const state = { running: "measuring …", complete: "", stopped: "stopped early", failed: "broke off" }[report.state];
  const missing = [...unavailable.map(({ what, why }) => `${what}: ${why}.`), ...notes];
  return [
    html(
      "header",
      {},
      html("p", { class: "brand" }, "resnet-edge bench"),
      html(
        "p",
        { class: "date" },
        ...(state ? [html("strong", {}, state), " "] : []),
        html("time", { datetime: report.date }, dateAndTime(report.date)),
      ),
    ),
    html("h2", { id: "card-title" }, report.deviceName),
    html("ul", { class: "facts" }, ...facts.map((fact) => html("li", {}, fact))),
    html("div", { class: "networks" }, ...networks.map(networkSummary)),
    ...(missing.length
      ? [
          html(
            "div",
            { class: "missing" },
            html("h3", {}, "Not measured, and why"),
            html("ul", {}, ...missing.map((it) => html("li", {}, it))),
          ),
        ]
      : []),
    html(
      "p",
      { class: "method" },
      `Median latency of up to ${settings.runs} runs and its interval, one image at a time, f32 unless a line says otherwise; shorter is better. Pseudo-random weights. resnet-edge ${report.version}.`,
    ),
  ];
}

/** What the figures depend on, as far as a page can know it. */
export function factsOf({ device, deviceName }: Report): string[] {
  // A guessed name says these already.
  const system = deviceName === device.name ? [] : [device.platform];
  return [
    ...system,
    device.browserVersion,
    `${device.cores} ${device.cores === 1 ? "core" : "cores"}`,
    ...(device.memoryGiB ? [`${device.memoryGiB} GiB of memory or more`] : []),
    device.relaxedSimd ? "relaxed SIMD" : "baseline SIMD",
    device.crossOriginIsolated ? "isolated" : "not isolated",
    `${digits(device.roofGflops)} GFLOP/s a core at most`,
    device.gpu.available ? `GPU ${device.gpu.name}${device.gpu.software ? " (software)" : ""}` : "no WebGPU",
  ];
}

function networkSummary(network: NetworkReport): HTMLElement {
  const best = fastest(network);
  const side = network.inputSize;
  const title = html(
    "h3",
    {},
    networkTitle(network.name),
    " ",
    html("small", {}, `${side} × ${side}, ${multiplyAdds(network.macs)}`),
  );
  if (!best) return html("section", {}, title, html("p", {}, "Nothing measured yet."));
  const groups = sorted(network).map((it) => ({
    label: labelOf(it),
    bars: [
      {
        series: seriesOf(it),
        value: it.latency.median,
        text: `${milliseconds(it.latency.median)} (${digits(it.latency.low)} to ${digits(it.latency.high)})`,
      },
    ],
  }));
  return html(
    "section",
    {},
    title,
    html(
      "p",
      { class: "best" },
      html("strong", {}, digits(best.latency.median)),
      " ms ",
      html("span", {}, `${digits(best.imagesPerSecond)} images/s · ${labelOf(best)}`),
    ),
    ...(network.turns?.verdict ? [html("p", { class: "verdict" }, network.turns.verdict.text)] : []),
    barChart({
      description: `${networkTitle(network.name)}, median latency: ${groups.map(({ label, bars }) => `${label} ${bars[0]!.text}`).join("; ")}`,
      groups,
    }),
  );
}

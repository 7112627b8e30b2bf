import { throttling } from "../../../src/bench/sustained.js";
import { networkTitle } from "../names.js";
import type { SustainedReport } from "../report.js";
import { html, svg } from "./element.js";
import { digits, milliseconds } from "./format.js";

const [WIDTH, HEIGHT] = [1000, 200];

/** Time of an inference over the time of a sustained run, from zero: a line that rises is a device that throttles. */
export function curve({ network, configuration, points }: SustainedReport): HTMLElement {
  const last = points.at(-1)!;
  const most = Math.max(...points.map(({ ms }) => ms));
  const place = ({ seconds, ms }: { seconds: number; ms: number }) =>
    `${((WIDTH * seconds) / last.seconds).toFixed(1)},${(HEIGHT * (1 - ms / most)).toFixed(1)}`;
  const picture = svg(
    "svg",
    {
      role: "img",
      "aria-label": `Time of an inference over ${Math.round(last.seconds)} seconds: ${milliseconds(points[0]!.ms)} at first, ${milliseconds(last.ms)} at last, ${milliseconds(most)} at most`,
      width: "100%",
      height: HEIGHT,
      viewBox: `0 -4 ${WIDTH} ${HEIGHT + 8}`,
      preserveAspectRatio: "none",
    },
    svg("line", { x1: 0, y1: HEIGHT, x2: WIDTH, y2: HEIGHT, class: "axis" }),
    svg("polyline", { points: [{ seconds: 0, ms: points[0]!.ms }, ...points].map(place).join(" "), class: "curve" }),
  );
  const ratio = throttling(points);
  const title = html("h2", { id: "sustained-title" }, "Sustained run");
  const told =
    ratio > 1.1
      ? `At the end an inference takes ${ratio.toFixed(2)} times as long as at the fastest: it throttles.`
      : `At the end an inference takes ${ratio.toFixed(2)} times as long as at the fastest.`;
  return html(
    "section",
    { class: "network", "aria-labelledby": "sustained-title" },
    title,
    html("p", { class: "note" }, `${networkTitle(network)}, ${configuration}; the median of each second. ${told}`),
    html(
      "figure",
      { class: "chart throttling" },
      html("p", { class: "scale" }, `${digits(most)} ms`),
      picture,
      html("p", { class: "scale ends" }, html("span", {}, "0 s"), html("span", {}, `${Math.round(last.seconds)} s`)),
    ),
  );
}

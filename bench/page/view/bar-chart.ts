import { html, svg } from "./element.js";

export interface Bar {
  /** Which colour: a `series-` class of the style sheet. */
  readonly series: string;
  readonly value: number;
  readonly text: string;
  /** An outline at another value: what would be ideal. */
  readonly ideal?: number;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  /** What the picture shows, for those who do not see it. */
  readonly description: string;
  readonly groups: readonly BarGroup[];
  readonly legend?: readonly { readonly series: string; readonly label: string }[];
}

const LABEL = 20;
const BAR = 14;
const GAP = 4;
const GROUP_GAP = 12;
/** Where bars have their values beside them, they leave this much of the width. */
const BESIDE = 72;
/** Letters that a line has room for on the smallest phone. Of more, the value gets a line of its own. */
const LINE = 28;

/**
 * Horizontal bars from zero. Widths are shares of the picture's, so it fits any screen and paper without being drawn again,
 * and its letters keep their size. Where every group is one bar, values stand
 * above; otherwise at the ends of bars.
 */
export function barChart({ description, groups, legend }: BarChart): HTMLElement {
  const values = groups.flatMap(({ bars }) => bars.flatMap(({ value, ideal = 0 }) => [value, ideal]));
  const largest = Math.max(...values, Number.MIN_VALUE);
  const alone = groups.every(({ bars }) => bars.length === 1);
  const isCrowded = alone && groups.some(({ label, bars }) => label.length + bars[0]!.text.length > LINE);
  const full = alone ? 100 : BESIDE;
  const picture = svg("svg", { role: "img", "aria-label": description, width: "100%" });
  let y = 0;
  for (const { label, bars } of groups) {
    picture.append(svg("text", { x: 0, y: y + 14, class: "chart-label" }, label));
    if (isCrowded) y += LABEL;
    if (alone) picture.append(svg("text", { x: "100%", y: y + 14, class: "chart-value at-end" }, bars[0]!.text));
    y += LABEL;
    for (const { series, value, text, ideal } of bars) {
      const share = (of: number) => `${Math.max(0.4, (full * of) / largest)}%`;
      picture.append(svg("rect", { x: 0, y, width: share(value), height: BAR, rx: 3, class: `series-${series}` }));
      if (ideal) picture.append(svg("rect", { x: 0.5, y, width: share(ideal), height: BAR, rx: 3, class: "ideal" }));
      if (!alone) picture.append(svg("text", { x: share(value), dx: 8, y: y + 12, class: "chart-value" }, text));
      y += BAR + GAP;
    }
    y += GROUP_GAP - GAP;
  }
  picture.setAttribute("height", String(Math.max(0, y - GROUP_GAP + GAP)));
  const figure = html("figure", { class: "chart" }, picture);
  if (legend) figure.prepend(legendOf(legend));
  return figure;
}

function legendOf(entries: NonNullable<BarChart["legend"]>): HTMLElement {
  const swatch = (series: string) =>
    svg(
      "svg",
      { width: 12, height: 12, "aria-hidden": "true" },
      svg("rect", { width: 12, height: 12, rx: 3, class: series === "ideal" ? series : `series-${series}` }),
    );
  return html("ul", { class: "legend" }, ...entries.map((it) => html("li", {}, swatch(it.series), it.label)));
}

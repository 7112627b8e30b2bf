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

/** In em: all grows with the letters. */
const LABEL = 1.4;
const BAR = 1;
const GAP = 0.3;
const GROUP_GAP = 0.85;
const em = (length: number) => `${length.toFixed(2)}em`;
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
    picture.append(svg("text", { x: 0, y: em(y + 1), class: "chart-label" }, label));
    if (isCrowded) y += LABEL;
    if (alone) picture.append(svg("text", { x: "100%", y: em(y + 1), class: "chart-value at-end" }, bars[0]!.text));
    y += LABEL;
    for (const { series, value, text, ideal } of bars) {
      const bar = { y: em(y), height: em(BAR), rx: em(0.2) };
      const share = (of: number) => `${Math.max(0.4, (full * of) / largest)}%`;
      picture.append(svg("rect", { x: 0, ...bar, width: share(value), class: `series-${series}` }));
      if (ideal) picture.append(svg("rect", { x: 0.5, ...bar, width: share(ideal), class: "ideal" }));
      if (!alone)
        picture.append(svg("text", { x: share(value), dx: em(0.6), y: em(y + 0.85), class: "chart-value" }, text));
      y += BAR + GAP;
    }
    y += GROUP_GAP - GAP;
  }
  picture.setAttribute("height", em(Math.max(0, y - GROUP_GAP + GAP)));
  const figure = html("figure", { class: "chart" }, picture);
  if (legend) figure.prepend(legendOf(legend));
  return figure;
}

function legendOf(entries: NonNullable<BarChart["legend"]>): HTMLElement {
  const swatch = (series: string) =>
    svg(
      "svg",
      { width: "0.85em", height: "0.85em", viewBox: "0 0 12 12", "aria-hidden": "true" },
      svg("rect", { width: 12, height: 12, rx: 3, class: series === "ideal" ? series : `series-${series}` }),
    );
  return html("ul", { class: "legend" }, ...entries.map((it) => html("li", {}, swatch(it.series), it.label)));
}

import { html } from "./element.js";

/** A table whose first column names its rows. It scrolls by itself where the screen is narrow, by keyboard too. */
export function dataTable(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement {
  const head = html("tr", {}, ...columns.map((name) => html("th", { scope: "col" }, name)));
  const body = rows.map(([name = "", ...cells]) =>
    html("tr", {}, html("th", { scope: "row" }, name), ...cells.map((cell) => html("td", {}, cell))),
  );
  const table = html("table", {}, html("caption", {}, caption), html("thead", {}, head), html("tbody", {}, ...body));
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table);
}

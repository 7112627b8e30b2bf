import { readSaved, type Summary } from "../../../src/bench/saved.js";
import { networkTitle } from "../names.js";
import { barChart } from "./bar-chart.js";
import { html } from "./element.js";
import { dateAndTime, digits, milliseconds } from "./format.js";
import { dataTable } from "./table.js";

/** More are no chart that anybody reads. */
const MOST = 32;
const MOST_BYTES = 16 << 20;

/** Saved results of several devices in one chart a network; files come by a button or are dropped onto the page. */
export class Devices {
  private summaries: readonly Summary[] = [];
  private own: Summary | null = null;

  constructor(
    private readonly into: HTMLElement,
    private readonly refused: HTMLElement,
    private readonly clear: HTMLButtonElement,
  ) {
    clear.addEventListener("click", () => {
      this.summaries = [];
      this.refused.textContent = "";
      this.show();
    });
  }

  /** This device's, as it is now. */
  set present(summary: Summary) {
    this.own = summary;
    if (this.summaries.length > 0) this.show();
  }

  async add(files: readonly File[]): Promise<void> {
    const faults: string[] = [];
    for (const file of files) {
      try {
        if (file.size > MOST_BYTES) throw new Error(`${file.name} has more than ${MOST_BYTES >> 20} MB.`);
        const found = readSaved(await file.text(), file.name);
        if (this.summaries.length + found.length > MOST) throw new Error(`At most ${MOST} results are compared.`);
        this.summaries = [...this.summaries, ...found];
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
    this.refused.textContent = faults.join(" ");
    this.show();
  }

  private show(): void {
    const all = [...(this.own ? [this.own] : []), ...this.summaries];
    this.clear.disabled = this.summaries.length === 0;
    const networks = new Map<string, { name: string; input: readonly [number, number] }>();
    for (const { networks: of } of all) for (const it of of) networks.set(keyOf(it), it);
    const shown = this.summaries.length > 0 ? [...networks.entries()] : [];
    this.into.replaceChildren(...shown.map(([key, it]) => networkOf(key, it, all)).filter((it) => it !== null));
  }
}

const keyOf = ({ name, input }: { name: string; input: readonly [number, number] }) => `${name} ${input.join(" × ")}`;

function networkOf(
  key: string,
  { name, input }: { name: string; input: readonly [number, number] },
  all: readonly Summary[],
): HTMLElement | null {
  const found = all.flatMap((summary) => {
    const own = summary.networks.filter((it) => keyOf(it) === key).flatMap(({ configurations }) => configurations);
    const [fastest] = own.toSorted((a, b) => a.median - b.median);
    return fastest ? [{ summary, own, fastest }] : [];
  });
  if (found.length === 0) return null;
  const groups = found
    .toSorted((a, b) => a.fastest.median - b.fastest.median)
    .map(({ summary, fastest }) => ({
      label: summary.device,
      bars: [{ series: "one", value: fastest.median, text: milliseconds(fastest.median) }],
    }));
  const rows = found.flatMap(({ summary, own }) =>
    own.map((it) => [
      summary.device,
      it.name,
      digits(it.median),
      `${digits(it.low)} to ${digits(it.high)}`,
      summary.runtime,
      dateAndTime(summary.date),
      summary.version,
    ]),
  );
  const title = `${networkTitle(name)}, ${input.join(" × ")}`;
  const columns = ["Device", "Configuration", "Median ms", "Its interval", "Runtime", "Date", "Version"];
  return html(
    "section",
    { class: "part" },
    html("h3", {}, title),
    barChart({
      description: `${title}, the fastest of each device: ${groups.map(({ label, bars }) => `${label} ${bars[0]!.text}`).join("; ")}`,
      groups,
    }),
    dataTable(`${title}: all devices`, columns, rows),
  );
}

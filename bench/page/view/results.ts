import type { Report } from "../report.js";
import { summaryCard } from "./card.js";
import { networkSection } from "./network-section.js";

/** Draws a report into the page, once a frame at most, and of its sections only those that have something new. */
export class Results {
  private latest: Report | null = null;
  private readonly drawn = new Map<string, { section: HTMLElement; configurations: number }>();

  constructor(
    private readonly whole: HTMLElement,
    private readonly card: HTMLElement,
    private readonly networks: HTMLElement,
  ) {}

  clear(): void {
    this.drawn.clear();
    this.networks.replaceChildren();
  }

  show(report: Report): void {
    if (!this.latest) requestAnimationFrame(() => this.draw());
    this.latest = report;
  }

  private draw(): void {
    const report = this.latest!;
    this.latest = null;
    this.whole.hidden = false;
    this.card.replaceChildren(...summaryCard(report));
    for (const network of report.networks) {
      const before = this.drawn.get(network.name);
      const configurations = network.configurations.length;
      if (configurations === 0 || before?.configurations === configurations) continue;
      const section = networkSection(network);
      if (before) {
        const wasOpen = before.section.querySelector("details")?.open;
        before.section.replaceWith(section);
        section.querySelector("details")?.toggleAttribute("open", wasOpen);
      } else {
        this.networks.append(section);
      }
      this.drawn.set(network.name, { section, configurations });
    }
  }
}

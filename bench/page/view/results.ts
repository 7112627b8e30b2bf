import type { NetworkReport, Report } from "../report.js";
import { summaryCard } from "./card.js";
import { curve } from "./curve.js";
import { networkSection } from "./network-section.js";

/** Another one where there is something to draw anew. */
const stampOf = ({ configurations, turns, endToEnd }: NetworkReport) =>
  [configurations.length, turns?.configurations[0]?.ms.length ?? 0, endToEnd !== null].join();

/**
 * Draws a report into the page, a piece a frame: the card, then whichever network has something new. All at once would hold
 * the page up on a phone that is busy measuring.
 */
export class Results {
  private latest: Report | null = null;
  private cardIsOld = false;
  private waiting = false;
  private readonly drawn = new Map<string, { section: HTMLElement; stamp: string }>();
  private points = 0;

  constructor(
    private readonly whole: HTMLElement,
    private readonly card: HTMLElement,
    private readonly networks: HTMLElement,
    private readonly sustained: HTMLElement,
  ) {}

  clear(): void {
    this.drawn.clear();
    this.networks.replaceChildren();
    this.sustained.replaceChildren();
    this.points = 0;
  }

  show(report: Report): void {
    this.latest = report;
    this.cardIsOld = true;
    this.wait();
  }

  private wait(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.drawPiece(this.latest!)) this.wait();
    });
  }

  /** False where there was nothing left to draw. */
  private drawPiece(report: Report): boolean {
    if (this.cardIsOld) {
      this.cardIsOld = false;
      this.whole.hidden = false;
      this.card.replaceChildren(...summaryCard(report));
      return true;
    }
    const isNew = (network: NetworkReport) =>
      network.configurations.length > 0 && this.drawn.get(network.name)?.stamp !== stampOf(network);
    const network = report.networks.find(isNew);
    if (network) {
      this.drawNetwork(network);
      return true;
    }
    if (!report.sustained || report.sustained.points.length === this.points) return false;
    this.points = report.sustained.points.length;
    this.sustained.replaceChildren(curve(report.sustained));
    return true;
  }

  private drawNetwork(network: NetworkReport): void {
    const before = this.drawn.get(network.name)?.section;
    const section = networkSection(network);
    if (before) {
      const wasOpen = before.querySelector("details")?.open;
      before.replaceWith(section);
      section.querySelector("details")?.toggleAttribute("open", wasOpen);
    } else {
      this.networks.append(section);
    }
    this.drawn.set(network.name, { section, stamp: stampOf(network) });
  }
}

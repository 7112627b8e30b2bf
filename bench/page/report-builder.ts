import { FORMAT, type Summary } from "../../src/bench/saved.js";
import type { FromWorker } from "./messages.js";
import type {
  Configuration,
  DeviceDescription,
  NetworkReport,
  Report,
  Settings,
  SustainedReport,
  Unavailable,
} from "./report.js";
import { titleOf } from "./steps.js";

/** Set by the bundler. */
declare const VERSION: string;

type Changing = { -readonly [K in keyof NetworkReport]: NetworkReport[K] };

/** Gathers what the worker tells into a report that is whole at any moment, however early the run ends. */
export class ReportBuilder {
  private readonly begun = performance.now();
  private readonly date = new Date().toISOString();
  private readonly unavailable: Unavailable[] = [];
  private readonly notes: string[] = [];
  private readonly networks: (Omit<NetworkReport, "turns" | "endToEnd"> &
    Pick<Changing, "turns" | "endToEnd"> & { configurations: Configuration[] })[] = [];
  private sustained: (SustainedReport & { points: SustainedReport["points"][number][] }) | null = null;
  private state: Report["state"] = "running";
  private seconds = 0;

  constructor(
    private readonly deviceName: string,
    private readonly device: DeviceDescription,
    private readonly settings: Settings,
  ) {}

  add(message: FromWorker): void {
    if (message.kind === "network") {
      this.networks.push({ ...message.network, configurations: [], turns: null, endToEnd: null });
    }
    if (message.kind === "unavailable") this.unavailable.push(message.unavailable);
    if (message.kind === "configuration") {
      this.network(message.network).configurations.push(message.configuration);
    }
    if (message.kind === "turns") this.network(message.network).turns = message.turns;
    if (message.kind === "end to end") this.network(message.network).endToEnd = message.endToEnd;
    if (message.kind === "sustained") {
      const { network, configuration, point } = message;
      this.sustained ??= { network, configuration, points: [] };
      this.sustained.points.push(point);
    }
  }

  private network(name: string) {
    return this.networks.find((it) => it.name === name)!;
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  end(state: Exclude<Report["state"], "running">): void {
    this.state = state;
    this.seconds = (performance.now() - this.begun) / 1000;
  }

  get report(): Report {
    return {
      format: FORMAT,
      version: VERSION,
      date: this.date,
      state: this.state,
      seconds: this.state === "running" ? (performance.now() - this.begun) / 1000 : this.seconds,
      deviceName: this.deviceName || this.device.name,
      device: this.device,
      settings: this.settings,
      networks: this.networks,
      sustained: this.sustained,
      summary: this.summary,
      unavailable: this.unavailable,
      notes: this.notes,
    };
  }

  private get summary(): Summary {
    const { browserVersion, platform, name } = this.device;
    return {
      device: (this.deviceName || name).slice(0, 200),
      runtime: `${browserVersion}, ${platform}`.slice(0, 200),
      date: this.date,
      version: VERSION,
      networks: this.networks.map(({ architecture, inputSize, configurations, turns }) => ({
        name: architecture,
        input: [inputSize, inputSize],
        configurations: configurations.map((it) => {
          const title = titleOf(it);
          const { median, low, high } =
            turns?.configurations.find(({ name, ms }) => name === title && ms.length > 0)?.spread ?? it.latency;
          return { name: title, median, low, high };
        }),
      })),
    };
  }
}

import type { FromWorker } from "./messages.js";
import type { Configuration, DeviceDescription, NetworkReport, Report, Settings, Unavailable } from "./report.js";

/** Set by the bundler. */
declare const VERSION: string;

/** Gathers what the worker tells into a report that is whole at any moment, however early the run ends. */
export class ReportBuilder {
  private readonly begun = performance.now();
  private readonly date = new Date().toISOString();
  private readonly unavailable: Unavailable[] = [];
  private readonly notes: string[] = [];
  private readonly networks: (NetworkReport & { configurations: Configuration[] })[] = [];
  private state: Report["state"] = "running";
  private seconds = 0;

  constructor(
    private readonly deviceName: string,
    private readonly device: DeviceDescription,
    private readonly settings: Settings,
  ) {}

  add(message: FromWorker): void {
    if (message.kind === "network") this.networks.push({ ...message.network, configurations: [] });
    if (message.kind === "unavailable") this.unavailable.push(message.unavailable);
    if (message.kind === "configuration") {
      this.networks.find(({ name }) => name === message.network)!.configurations.push(message.configuration);
    }
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
      format: "resnet-edge bench page 1",
      version: VERSION,
      date: this.date,
      state: this.state,
      seconds: this.state === "running" ? (performance.now() - this.begun) / 1000 : this.seconds,
      deviceName: this.deviceName || this.device.name,
      device: this.device,
      settings: this.settings,
      networks: this.networks,
      unavailable: this.unavailable,
      notes: this.notes,
    };
  }
}

import type { Point } from "../../src/bench/sustained.js";
import type {
  Configuration,
  DeviceDescription,
  EndToEndReport,
  NetworkReport,
  Settings,
  TurnsReport,
  Unavailable,
} from "./report.js";

export type ToWorker =
  | { readonly kind: "describe" }
  | { readonly kind: "estimate"; readonly settings: Settings }
  | { readonly kind: "run"; readonly settings: Settings };

export type FromWorker =
  | { readonly kind: "lock"; readonly lock: string }
  | { readonly kind: "device"; readonly device: DeviceDescription }
  | { readonly kind: "estimate"; readonly ms: number }
  | Progress
  | { readonly kind: "network"; readonly network: Omit<NetworkReport, "configurations" | "turns" | "endToEnd"> }
  | { readonly kind: "configuration"; readonly network: string; readonly configuration: Configuration }
  | { readonly kind: "turns"; readonly network: string; readonly turns: TurnsReport }
  | { readonly kind: "end to end"; readonly network: string; readonly endToEnd: EndToEndReport }
  | { readonly kind: "sustained"; readonly network: string; readonly configuration: string; readonly point: Point }
  | { readonly kind: "unavailable"; readonly unavailable: Unavailable }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly message: string };

export interface Progress {
  readonly kind: "progress";
  /** What is measured now: changes a few times a run, for people who listen. */
  readonly step: string;
  /** What of it: changes many times a second. */
  readonly detail: string;
  /** 0 to 1, of the expected time. */
  readonly share: number;
  readonly remainingMs: number;
}

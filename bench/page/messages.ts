import type { Configuration, DeviceDescription, NetworkReport, Settings, Unavailable } from "./report.js";

export type ToWorker =
  | { readonly kind: "describe" }
  | { readonly kind: "estimate"; readonly settings: Settings }
  | { readonly kind: "run"; readonly settings: Settings };

export type FromWorker =
  | { readonly kind: "lock"; readonly lock: string }
  | { readonly kind: "device"; readonly device: DeviceDescription }
  | { readonly kind: "estimate"; readonly ms: number }
  | Progress
  | { readonly kind: "network"; readonly network: Omit<NetworkReport, "configurations"> }
  | { readonly kind: "configuration"; readonly network: string; readonly configuration: Configuration }
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

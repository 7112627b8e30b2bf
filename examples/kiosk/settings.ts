const KEY = "kiosk-settings";
const devices = ["auto", "cpu", "gpu"] as const;

export interface Settings {
  readonly device: (typeof devices)[number];
  /** SHA-256 of a kept model; "": the bundled one. */
  readonly model: string;
}

const usual: Settings = { device: "auto", model: "" };

/** What was chosen last. `damaged`: something was kept that is no settings, and the usual ones stand in. */
export function readSettings(): { settings: Settings; damaged: boolean } {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept === null) return { settings: usual, damaged: false };
    const { device, model } = JSON.parse(kept) as Settings;
    const sound = devices.includes(device) && /^([0-9a-f]{64})?$/.test(model);
    return sound ? { settings: { device, model }, damaged: false } : { settings: usual, damaged: true };
  } catch {
    return { settings: usual, damaged: true };
  }
}

export function keepSettings(settings: Settings): void {
  localStorage.setItem(KEY, JSON.stringify(settings));
}

const KEY = "kiosk-settings";
const devices = ["auto", "cpu", "gpu"] as const;

/** What an operator may show to visitors, or leave in their hands. */
export const offers = ["guesses", "frame", "seen", "speed", "pictures", "pause"] as const;
export type Offer = (typeof offers)[number];

export interface Settings {
  readonly device: (typeof devices)[number];
  /** SHA-256 of a kept model; "": the bundled one. */
  readonly model: string;
  /** The least score, in percent, that counts as sure. */
  readonly sure: number;
  readonly offers: readonly Offer[];
}

export const usual: Settings = { device: "auto", model: "", sure: 50, offers: ["guesses", "frame", "seen"] };

/** What was chosen last. `damaged`: something was kept that is no settings, and the usual ones stand in. */
export function readSettings(): { settings: Settings; damaged: boolean } {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept === null) return { settings: usual, damaged: false };
    const found = JSON.parse(kept) as Settings | null;
    if (found === null) return { settings: usual, damaged: true };
    const settings: Settings = { ...usual, ...found };
    return isSound(settings) ? { settings, damaged: false } : { settings: usual, damaged: true };
  } catch {
    return { settings: usual, damaged: true };
  }
}

function isSound({ device, model, sure, offers: shown }: Settings): boolean {
  return (
    devices.includes(device) &&
    /^([0-9a-f]{64})?$/.test(model) &&
    Number.isInteger(sure) &&
    sure >= 0 &&
    sure <= 100 &&
    Array.isArray(shown) &&
    shown.every((it) => offers.includes(it))
  );
}

export function keepSettings(settings: Settings): void {
  localStorage.setItem(KEY, JSON.stringify(settings));
}

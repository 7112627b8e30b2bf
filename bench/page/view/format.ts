/** Three significant digits, as many as a median on a busy device is worth. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1000) return value.toFixed(0);
  if (value < 0.01) return value.toFixed(4);
  return value.toPrecision(3);
}

export const milliseconds = (ms: number) => `${digits(ms)} ms`;

export const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

export function megabytes(bytes: number): string {
  return `${digits(bytes / 1e6)} MB`;
}

export function multiplyAdds(macs: number): string {
  return macs < 1e9 ? `${digits(macs / 1e6)} MMAC` : `${digits(macs / 1e9)} GMAC`;
}

/** "under 5 s", "about 40 s", "about 3 min": as rough as it is. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 5) return "under 5 s";
  if (seconds < 90) return `about ${Math.ceil(seconds / 5) * 5} s`;
  return `about ${Math.ceil(seconds / 60)} min`;
}

/** "2026-11-24 13:02" of the reader's clock. The first use of Intl would take longer than a frame. */
export function dateAndTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

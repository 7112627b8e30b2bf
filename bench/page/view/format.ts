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

/** "under 5 s", "about 40 s", "about 3 min": as rough as it is. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 5) return "under 5 s";
  if (seconds < 90) return `about ${Math.ceil(seconds / 5) * 5} s`;
  return `about ${Math.ceil(seconds / 60)} min`;
}

export function dateAndTime(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

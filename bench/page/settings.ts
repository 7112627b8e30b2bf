import type { Settings } from "./report.js";

const switches = [
  "baseline",
  "threads",
  "gpu",
  "half",
  "softwareGpu",
  "turns",
  "control",
  "pictures",
  "sustained",
] as const;

/** What the form says. */
export function readForm(form: HTMLFormElement): Settings {
  const data = new FormData(form);
  const on = (name: string) => data.has(name);
  return {
    networks: data.getAll("network").map(String),
    inputSize: Number(data.get("inputSize")),
    runs: Number(data.get("runs")),
    baseline: on("baseline"),
    threads: on("threads"),
    gpu: on("gpu"),
    half: on("half"),
    softwareGpu: on("softwareGpu"),
    rounds: on("turns") ? Number(data.get("rounds")) : 0,
    control: on("control"),
    pictures: on("pictures"),
    sustainedSeconds: on("sustained") ? Number(data.get("sustainedSeconds")) : 0,
  };
}

/**
 * Sets the form from an address: `?network=resnet50&runs=50&inputSize=160&gpu=0`. What it does not name stays. Values that
 * no field can take are left to the form's own validation.
 */
export function fillForm(form: HTMLFormElement, address: URLSearchParams): void {
  for (const name of ["inputSize", "runs", "rounds", "sustainedSeconds", "deviceName"]) {
    const value = address.get(name);
    if (value !== null) (form.elements.namedItem(name) as HTMLInputElement).value = value;
  }
  for (const name of switches) {
    const value = address.get(name);
    if (value !== null) (form.elements.namedItem(name) as HTMLInputElement).checked = value !== "0";
  }
  const networks = address.getAll("network");
  if (networks.length === 0) return;
  for (const box of form.querySelectorAll<HTMLInputElement>("input[name=network]")) {
    box.checked = networks.includes(box.value);
  }
}

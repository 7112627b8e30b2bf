import { keepLabels } from "./labels.js";

/** Models that this browser keeps, each under the SHA-256 of its bytes, which is checked before every use. */
const CACHE = "kiosk-models";
const LIST = "kiosk-model-names";

export interface KeptModel {
  readonly name: string;
  readonly sha256: string;
  /** Of a model that was taught here: the SHA-256 of what it was taught on; "": the bundled one. */
  readonly backbone?: string;
}

/** The bundled model is neither kept nor to be fetched. */
export class MissingModel extends Error {}

const addressOf = (sha256: string) => new Request(`./models/${sha256}`);

export function keptModels(): KeptModel[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(LIST) ?? "[]");
    return Array.isArray(list)
      ? list.filter((it) => typeof it?.name === "string" && typeof it?.sha256 === "string")
      : [];
  } catch {
    return [];
  }
}

/** Keeps a model for the next start, offline too. */
export async function keepModel(name: string, bytes: ArrayBuffer, backbone?: string): Promise<KeptModel> {
  const sha256 = await hash(bytes);
  const cache = await caches.open(CACHE);
  await cache.put(addressOf(sha256), new Response(bytes));
  const model: KeptModel = { name, sha256, ...(backbone !== undefined && { backbone }) };
  localStorage.setItem(LIST, JSON.stringify([...keptModels().filter((it) => it.sha256 !== sha256), model]));
  return model;
}

/** The bytes, if they are still what they were; what is damaged is thrown away. */
export async function readModel(sha256: string): Promise<ArrayBuffer | null> {
  const cache = await caches.open(CACHE);
  const bytes = await (await cache.match(addressOf(sha256)))?.arrayBuffer();
  if (!bytes) return null;
  if ((await hash(bytes)) === sha256) return bytes;
  await discard(sha256);
  return null;
}

/** The model, and the labels that it was given. */
export async function forgetModel(sha256: string): Promise<void> {
  await discard(sha256);
  keepLabels(sha256, undefined);
}

/** The model alone: its file may be chosen again. */
async function discard(sha256: string): Promise<void> {
  await (await caches.open(CACHE)).delete(addressOf(sha256));
  localStorage.setItem(LIST, JSON.stringify(keptModels().filter((it) => it.sha256 !== sha256)));
}

export async function hash(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The bundled model: the kept one, or fetched anew when that is missing or damaged. `address`: its file; `sha256`: of the build's.
 * `onShare` hears how much of it has come, 0 to 1. Throws `MissingModel`.
 */
export async function bundledModel(
  address: string,
  sha256: string,
  onShare: (share: number) => void = () => {},
): Promise<ArrayBuffer> {
  const kept = await readModel(sha256);
  if (kept) return kept;
  // Past the service worker's copy first: that may be the damaged one.
  for (const cache of ["reload", "default"] as const) {
    const bytes = await fetch(address, { cache })
      .then((answer) => (answer.ok ? readWhole(answer, onShare) : null))
      .catch(() => null);
    if (!bytes || (await hash(bytes)) !== sha256) continue;
    await (await caches.open(CACHE)).put(addressOf(sha256), new Response(bytes));
    return bytes;
  }
  throw new MissingModel("The model is missing or damaged. Connect this kiosk to its server once.");
}

async function readWhole(answer: Response, onShare: (share: number) => void): Promise<ArrayBuffer> {
  const total = Number(answer.headers.get("content-length"));
  if (!answer.body || !(total > 0)) return answer.arrayBuffer();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).arrayBuffer();
    parts.push(value);
    loaded += value.length;
    onShare(Math.min(1, loaded / total));
  }
}

import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { OptionError, SourceError } from "../errors.js";
import { cacheFolder } from "../store-node.js";
import { type Checkpoint, catalogue, findCheckpoint } from "./catalogue.js";
import { type DownloadOptions, download } from "./download.js";

/** Where a checkpoint is kept, once it has been pulled. */
export function pulledFile({ name, url }: Checkpoint): string {
  return join(cacheFolder(), "models", `${name.replaceAll("/", "--")}${extname(new URL(url).pathname)}`);
}

/** Brings a checkpoint into the cache, if it is not there. `mirror`: a base address that has the same file names. */
export async function pull(
  name: string,
  options: Omit<DownloadOptions, "sha256"> & { mirror?: string | undefined } = {},
): Promise<{ file: string; checked: string }> {
  const entry = findCheckpoint(name);
  if (!entry)
    throw new OptionError(`There is no "${name}" in the catalogue; resnet-edge pull --list shows what there is.`);
  const file = pulledFile(entry);
  const url = options.mirror ? mirrored(entry.url, options.mirror) : entry.url;
  const sha256 = entry.sha256 ?? (existsSync(file) ? null : await linkedHash(url, options.signal));
  await download(url, file, { ...options, sha256 });
  return { file, checked: sha256 ? `SHA-256 ${sha256.slice(0, 8)}...` : "its length alone: no hash is known" };
}

function mirrored(url: string, mirror: string): string {
  const { hostname, pathname } = new URL(url);
  const last = hostname === "huggingface.co" ? pathname.slice(1) : pathname.split("/").at(-1)!;
  return `${mirror.replace(/\/$/, "")}/${last}`;
}

/** Hugging Face names the SHA-256 of a large file when it redirects to it. */
async function linkedHash(url: string, signal: AbortSignal | null | undefined): Promise<string | null> {
  const answer = await fetch(url, { method: "HEAD", redirect: "manual", signal: signal ?? null }).catch(() => null);
  return /^"?([0-9a-f]{64})"?$/.exec(answer?.headers.get("x-linked-etag") ?? "")?.[1] ?? null;
}

/** A model that a command names: a path or URL as it is, or a checkpoint's file with its preprocessing. */
export function resolveModel(model: string): { source: string; entry: Checkpoint | null } {
  const entry = existsSync(model) ? null : findCheckpoint(model);
  if (!entry) return { source: model, entry: null };
  const file = pulledFile(entry);
  if (existsSync(file)) return { source: file, entry };
  throw new SourceError(`${model} is in the catalogue, but not here yet: run resnet-edge pull ${model}.`);
}

export { catalogue };

import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { ModelFormatError, OptionError, SourceError } from "../errors.js";
import { cacheFolder } from "../host/store-node.js";
import { type Checkpoint, catalogue, findCheckpoint, sizeOf } from "./catalogue.js";
import { type DownloadOptions, download } from "./download.js";
import { verifyCheckpoint } from "./verify.js";

/** Where a checkpoint is kept, once it has been pulled. */
export function pulledFile({ name, url }: Checkpoint): string {
  return join(cacheFolder(), "models", `${name.replaceAll("/", "--")}${extname(new URL(url).pathname)}`);
}

/** Brings a checkpoint into the cache, if it is not there. `mirror`: a base address that has the same file names. */
export async function pull(
  name: string,
  options: Omit<DownloadOptions, "sha256" | "checkLength" | "mostBytes" | "verify"> & {
    mirror?: string | undefined;
  } = {},
): Promise<{ file: string; sha256: string; checked: string; resumedFrom: number }> {
  const entry = findCheckpoint(name);
  if (!entry)
    throw new OptionError(`There is no "${name}" in the catalogue; resnet-edge pull --list shows what there is.`);
  const file = pulledFile(entry);
  const url = options.mirror ? mirrored(entry.url, options.mirror) : entry.url;
  const { bytes, within } = sizeOf(entry);
  const checkLength = (found: number) => {
    if (Math.abs(found - bytes) <= within) return;
    throw new ModelFormatError(
      `${url} has ${found} bytes, but ${name} has ${bytes}: it is another file. Nothing was kept; pull from another mirror.`,
    );
  };
  const { sha256, checked, resumedFrom } = await download(url, file, {
    ...options,
    ...{ sha256: entry.sha256, checkLength, mostBytes: Math.ceil(bytes + within) },
    verify: (found) => verifyCheckpoint(found, entry),
  });
  const source = {
    given: "as published",
    stated: "as its host states",
    none: "read and found to be that network; no hash is known",
  };
  return { file, sha256, checked: `SHA-256 ${sha256.slice(0, 8)}..., ${source[checked ?? "none"]}`, resumedFrom };
}

function mirrored(url: string, mirror: string): string {
  const { hostname, pathname } = new URL(url);
  const last = hostname === "huggingface.co" ? pathname.slice(1) : pathname.split("/").at(-1)!;
  return `${mirror.replace(/\/$/, "")}/${last}`;
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

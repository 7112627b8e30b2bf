import { ModelFormatError, SourceError } from "../../../errors.js";
import { MAX_MODEL_BYTES, MAX_NAME } from "../../../limits.js";
import type { Message } from "../protobuf.js";

/** What reads a file that lies beside the model. */
export interface BesideHost {
  readBeside?(bytes: Uint8Array, name: string): Promise<Uint8Array | null>;
}

/** The files of these tensors, by their location. Throws `ModelFormatError` for one that is not in the model's folder. */
export async function readExternal(
  tensors: readonly Message[],
  bytes: Uint8Array,
  origin: string,
  host: BesideHost,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for (const tensor of tensors) {
    const location =
      tensor
        .messages(13)
        .find((it) => it.text(1) === "location")
        ?.text(2) ?? "";
    if (files.has(location)) continue;
    // Within the model's folder: no way up, no root, no drive, no address.
    const parts = location.split("/");
    if (
      location.length > MAX_NAME ||
      /[\\:%?#\0]/.test(location) ||
      parts.some((part) => part === "" || part === "." || part === "..")
    ) {
      throw new ModelFormatError(
        `${origin} names "${location}" as a file of its tensors; only a file in its own folder is read.`,
      );
    }
    const file = await beside(bytes, origin, location, host);
    total += file.length;
    if (total > MAX_MODEL_BYTES)
      throw new ModelFormatError(`${origin}: its tensors' files have more than ${MAX_MODEL_BYTES} bytes.`);
    files.set(location, file);
  }
  return files;
}

async function beside(bytes: Uint8Array, origin: string, location: string, host: BesideHost): Promise<Uint8Array> {
  if (/^https?:/.test(origin)) {
    const url = new URL(location, origin);
    const response = await fetch(url).catch((cause) => {
      throw new SourceError(`${url} could not be fetched: ${cause.message}. Serve it beside the model.`, { cause });
    });
    if (!response.ok)
      throw new SourceError(
        `${url} answered ${response.status}. Serve it beside the model, which keeps its tensors there.`,
      );
    return new Uint8Array(await response.arrayBuffer());
  }
  const found = await host.readBeside?.(bytes, location);
  if (found) return found;
  throw new SourceError(
    `${origin} keeps its tensors in "${location}", which cannot be reached from here. Load the model by its URL or path, or export it into one file.`,
  );
}

import { isUtf8 } from "node:buffer";
import type { Dirent, Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ImageDecodeError, OptionError, SourceError } from "../errors.js";
import { specialKind } from "../host/regular-file.js";
import { isImageFile } from "../image/decode-node.js";

/** An image file, or why something that was named is none. */
export interface ListedImage {
  /** As it is shown; bytes that are no UTF-8 are written out. */
  readonly name: string;
  readonly path: string | Buffer;
  readonly error?: Error;
}

/**
 * The images that the command's words name; a folder stands for the images in it, sorted by name. What cannot be read without
 * end or harm (pipes, devices, sockets, links in a circle) is listed with its error, and so are folders that cannot be read.
 */
export async function listImages(names: readonly string[]): Promise<ListedImage[]> {
  if (names.length === 0) throw new OptionError("classify needs at least one image or folder.");
  const images: ListedImage[] = [];
  for (const name of names) {
    const found = await look(name);
    if (found instanceof Error) images.push({ name, path: name, error: found });
    else if (found.isDirectory()) images.push(...(await listFolder(name)));
    else images.push({ name, path: name });
  }
  return images;
}

async function listFolder(folder: string): Promise<ListedImage[]> {
  const failed = (error: Error) => [{ name: folder, path: folder, error }];
  let entries: Dirent<Buffer>[];
  try {
    entries = (await readdir(folder, { encoding: "buffer", withFileTypes: true })) as unknown as Dirent<Buffer>[];
  } catch (cause) {
    return failed(unreadable("The folder ", folder, cause));
  }
  const images: ListedImage[] = [];
  for (const entry of entries) {
    const { name, path } = named(folder, entry.name);
    if (entry.isDirectory()) continue;
    // A regular file is looked at when its turn comes: a folder may have thousands.
    if (entry.isFile()) {
      if (isImageFile(name)) images.push({ name, path });
      continue;
    }
    const found = await look(path, name);
    if (found instanceof Error) images.push({ name, path, error: found });
    else if (found.isFile() && isImageFile(name)) images.push({ name, path });
  }
  if (images.length === 0) {
    return failed(
      new ImageDecodeError(`The folder ${folder} has no images; expected .jpg, .png, .webp, .gif, .tif, .avif.`),
    );
  }
  return images.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A file or a folder, or why it is neither. */
async function look(path: string | Buffer, name = String(path)): Promise<Stats | Error> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return new SourceError(`No file at ${name}; check the path.`, { cause });
    if (code === "ELOOP")
      return new SourceError(`${name} is a link that leads to itself; it was passed over.`, { cause });
    return unreadable("", name, cause);
  }
  if (found.isFile() || found.isDirectory()) return found;
  return new SourceError(`${name} is ${specialKind(found)}, not a file; it was passed over.`);
}

const unreadable = (what: string, name: string, cause: unknown) =>
  new SourceError(`${what}${name} could not be read: ${(cause as Error).message}.`, { cause });

/** A name in UTF-8 is text; of any other the bytes that are no ASCII are written out as \xe9, and its path stays bytes. */
function named(folder: string, bytes: Buffer): Pick<ListedImage, "name" | "path"> {
  if (isUtf8(bytes)) {
    const path = join(folder, bytes.toString());
    return { name: path, path };
  }
  const text = bytes.toString("latin1").replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return { name: join(folder, text), path: Buffer.concat([Buffer.from(join(folder, "/")), bytes]) };
}

import { isUtf8 } from "node:buffer";
import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import picomatch from "picomatch";
import { ImageDecodeError, OptionError, SourceError } from "../errors.js";
import { readRegular, specialKind } from "../host/regular-file.js";
import { decodeBytes, isImageFile, type Pixels } from "../image/decode-node.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { fetchPicture } from "./fetch-picture.js";

/** An image file or address, or why something that was named is none. */
export interface ListedImage {
  /** As it is shown; bytes that are no UTF-8 are written out. */
  readonly name: string;
  readonly path: string | Buffer | URL;
  readonly error?: Error;
}

export interface Listing {
  /** Folders within folders, too. */
  readonly recursive?: boolean;
  /** What the word `-` stands for: names, one a line, or with NUL between them. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

/**
 * The images that the command's words name, in their order: files, addresses, patterns such as `photos/2*.jpg`, and folders,
 * which stand for the images in them, sorted by name. What cannot be read without end or harm (pipes, devices, sockets, links in a
 * circle) is listed with its error, and so are folders that cannot be read.
 */
export async function listImages(
  names: readonly string[],
  { recursive = false, stdin = process.stdin }: Listing = {},
): Promise<ListedImage[]> {
  if (names.length === 0) throw new OptionError("Name at least one image or folder.");
  const images: ListedImage[] = [];
  for (const name of names) {
    // One by one: a call takes no more than some 100,000 arguments.
    if (name === "-") for (const it of await namesIn(stdin)) await add(it, images, recursive);
    else await add(name, images, recursive);
  }
  return images;
}

/** The encoded bytes of what is listed. */
export function readListed({ path, name }: ListedImage): Promise<Uint8Array> {
  return path instanceof URL ? fetchPicture(path) : readRegular(path, MAX_IMAGE_BYTES, null, name);
}

export async function decodeListed(image: ListedImage): Promise<Pixels> {
  if (image.error) throw image.error;
  return decodeBytes(await readListed(image), image.name);
}

async function add(name: string, images: ListedImage[], recursive: boolean): Promise<void> {
  if (/^https?:\/\//i.test(name) && URL.canParse(name)) {
    images.push({ name, path: new URL(name) });
    return;
  }
  const found = await look(name);
  if (!(found instanceof Error)) {
    if (!found.isDirectory()) images.push({ name, path: name });
    else if (!(await addFolder(name, images, recursive))) {
      const message = `The folder ${name} has no images; expected .jpg, .png, .webp, .gif, .tif, .avif.`;
      images.push({ name, path: name, error: new ImageDecodeError(message) });
    }
  } else if (!/[*?[{]/.test(name)) images.push({ name, path: name, error: found });
  else if (!(await addMatches(name, images))) {
    images.push({ name, path: name, error: new SourceError(`Nothing matches ${name}; check the pattern.`) });
  }
}

/** Adds the images of a folder; false where there are none, and no errors either. */
async function addFolder(folder: string, images: ListedImage[], recursive: boolean): Promise<boolean> {
  const before = images.length;
  for (const entry of await entriesOf(folder)) {
    if (entry instanceof Error) images.push({ name: folder, path: folder, error: entry });
    else if (!entry.isFolder) {
      if (entry.image.error || isImageFile(entry.image.name)) images.push(entry.image);
    } else if (recursive) await addFolder(pathOf(entry.image), images, recursive);
  }
  return images.length > before;
}

/** Adds the image files that a pattern names; false where nothing does. */
async function addMatches(pattern: string, images: ListedImage[]): Promise<boolean> {
  const { base, glob } = picomatch.scan(pattern);
  const isMatch = picomatch(pattern.replace(/^(\.\/)+/, ""));
  const before = images.length;
  // Without a globstar, nothing deeper than the pattern can match.
  const most = glob.includes("**") ? Number.POSITIVE_INFINITY : glob.split("/").length;
  const walk = async (folder: string, depth: number) => {
    for (const entry of await entriesOf(folder)) {
      if (entry instanceof Error) images.push({ name: folder, path: folder, error: entry });
      else if (entry.isFolder) {
        if (depth < most) await walk(pathOf(entry.image), depth + 1);
      } else if (isImageFile(entry.image.name) && isMatch(entry.image.name)) images.push(entry.image);
    }
  };
  const root = base === "" ? "." : base;
  const found = await look(root);
  if (!(found instanceof Error) && found.isDirectory()) await walk(root, 1);
  return images.length > before;
}

/** Folders keep the name in text: one that is no UTF-8 is not gone into. */
const pathOf = ({ path }: ListedImage) => path as string;

interface Entry {
  readonly image: ListedImage;
  readonly isFolder: boolean;
}

/** What lies in a folder, by name. Links to folders are passed over: they may lead in a circle. */
async function entriesOf(folder: string): Promise<(Entry | Error)[]> {
  let listed: (Dirent<Buffer> | Buffer)[];
  try {
    listed = (await readdir(folder, { encoding: "buffer", withFileTypes: true })) as unknown as typeof listed;
  } catch (cause) {
    return [unreadable("The folder ", folder, cause)];
  }
  const entries: Entry[] = [];
  for (const it of listed) {
    // Where names are asked for as bytes, Bun gives these alone, without what they are names of.
    const isName = Buffer.isBuffer(it);
    const image = named(folder, isName ? it : it.name);
    const entry = isName ? await lstat(image.path).catch(() => null) : it;
    if (entry?.isDirectory()) {
      if (typeof image.path === "string") entries.push({ image, isFolder: true });
      continue;
    }
    // A regular file is looked at when its turn comes: a folder may have thousands.
    if (entry?.isFile()) {
      entries.push({ image, isFolder: false });
      continue;
    }
    const found = await look(image.path, image.name);
    if (found instanceof Error) entries.push({ image: { ...image, error: found }, isFolder: false });
    else if (found.isFile()) entries.push({ image, isFolder: false });
  }
  return entries.sort((a, b) => (a.image.name < b.image.name ? -1 : 1));
}

async function namesIn(stdin: AsyncIterable<Uint8Array>): Promise<string[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stdin) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const lines = text.includes("\0") ? text.split("\0") : text.split(/\r?\n/);
  return lines.filter((line) => line !== "");
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
function named(folder: string, bytes: Buffer): { name: string; path: string | Buffer } {
  if (isUtf8(bytes)) {
    const path = join(folder, bytes.toString());
    return { name: path, path };
  }
  const text = bytes.toString("latin1").replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return { name: join(folder, text), path: Buffer.concat([Buffer.from(join(folder, "/")), bytes]) };
}

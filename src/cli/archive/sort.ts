import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import type { ListedImage } from "../images.js";

/** Bytes of a folder's name; file systems take 255. */
const MAX_NAME = 120;

/** A class's folder: its label, without what file systems or shells give a meaning to. */
export function folderName(label: string): string {
  const plain = label
    .normalize("NFC")
    .replace(/[\p{C}\p{Zl}\p{Zp}\\/:*?"<>|]/gu, "_")
    .trim()
    .replace(/^\.+|\.+$/g, "_");
  let name = plain;
  while (Buffer.byteLength(name) > MAX_NAME) name = [...name].slice(0, -1).join("");
  // What Windows keeps for devices.
  return name === "" || /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(name) ? `${name}_` : name;
}

export interface Sorted {
  readonly image: ListedImage;
  readonly label: string;
  /** The encoded file, where it was fetched. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Puts a picture into its class's folder: a copy, or a symbolic link. The same picture may come twice, after a kill. Another picture
 * of the same name has a hash of its path behind it.
 */
export async function sortInto(folder: string, { image, label, bytes }: Sorted, link: boolean): Promise<void> {
  const place = join(folder, folderName(label));
  await mkdir(place, { recursive: true });
  const name = basename(image.path instanceof URL ? image.path.pathname : image.name) || "image";
  const end = extname(name);
  const hash = createHash("sha256").update(`${image.path}`).digest("hex").slice(0, 8);
  const names = [name, `${name.slice(0, name.length - end.length)}-${hash}${end}`];
  for (const [index, it] of names.entries()) {
    const target = join(place, it);
    const isLast = index === names.length - 1;
    if (!isLast && (await isOther(target, image, bytes, link))) continue;
    await put(target, image, bytes, link);
    return;
  }
}

/** Whether a name is taken by something else. */
async function isOther(
  target: string,
  { path }: ListedImage,
  bytes: Uint8Array | undefined,
  link: boolean,
): Promise<boolean> {
  const found = await lstat(target).catch(() => null);
  if (!found) return false;
  if (found.isSymbolicLink()) return !link || path instanceof URL || (await readlink(target)) !== resolve(`${path}`);
  if (!found.isFile()) return true;
  const size = bytes?.length ?? (await stat(path as string | Buffer)).size;
  if (found.size !== size) return true;
  return !(await readFile(target)).equals(bytes ?? (await readFile(path as string | Buffer)));
}

/** Whole or not at all. */
async function put(target: string, { path }: ListedImage, bytes: Uint8Array | undefined, link: boolean): Promise<void> {
  const part = `${target}.part`;
  await rm(part, { force: true });
  if (bytes) await writeFile(part, bytes);
  else if (link) await symlink(resolve(`${path}`), part);
  // Where the file system can, a copy shares its blocks.
  else await copyFile(path as string | Buffer, part, constants.COPYFILE_FICLONE);
  await rename(part, target);
}

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ImageDecodeError, OptionError } from "../errors.js";
import { isImageFile } from "../image/decode-node.js";

/** The images that the command's words name; a folder stands for the images in it, sorted by name. */
export async function listImages(names: readonly string[]): Promise<string[]> {
  if (names.length === 0) throw new OptionError("classify needs at least one image or folder.");
  const images: string[] = [];
  for (const name of names) {
    const found = await stat(name).catch(() => null);
    if (!found?.isDirectory()) {
      images.push(name);
      continue;
    }
    const inside = (await readdir(name)).filter(isImageFile).sort();
    if (inside.length === 0) {
      throw new ImageDecodeError(`The folder ${name} has no images; expected .jpg, .png, .webp, .gif, .tif, .avif.`);
    }
    images.push(...inside.map((file) => join(name, file)));
  }
  return images;
}

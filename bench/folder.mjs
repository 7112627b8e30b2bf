import { copyFileSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** `count` pictures in the new folder `target`: those of `source` again and again, under other names. */
export function folderOf(source, count, target) {
  mkdirSync(target);
  const names = readdirSync(source).filter((name) => /\.(jpe?g|png|webp)$/i.test(name));
  const first = new Map();
  for (let index = 0; index < count; index++) {
    const name = names[index % names.length];
    const path = join(target, `${String(index).padStart(7, "0")}-${name}`);
    if (first.has(name)) linkSync(first.get(name), path);
    else {
      copyFileSync(join(source, name), path);
      first.set(name, path);
    }
  }
  return target;
}

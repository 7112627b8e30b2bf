import { pathToFileURL } from "node:url";
import type * as Library from "../src/entry/node.js";

export const root = new URL("../", import.meta.url);

/** The library as it ships, out of dist/. */
export const library: typeof Library = await import(
  /* @vite-ignore */ pathToFileURL(new URL("dist/node.js", root).pathname).href
);

/** A small valid state dict of the project's fixtures: a narrow ResNet for 32 x 32 images. */
export const smallModel = new URL("test/fixtures/networks/basic.safetensors", root);

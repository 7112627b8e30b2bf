import { existsSync, readFileSync } from "node:fs";
import { root } from "../built.js";

/** Published models and photographs that lie beside the checkout, and PyTorch's answers for them; never in the project. */
export const data = new URL("../shared/data/", root);

/** Why these tests are skipped; empty where they run. */
export const noData = existsSync(data) ? "" : " (skipped: no ../shared/data beside the checkout)";
if (noData) console.log(`acceptance on published models${noData}`);

export const json = (name: string) => (noData ? {} : JSON.parse(readFileSync(new URL(name, data), "utf8")));

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { decodeBytes } from "../../src/image/decode-node.js";
import { root } from "../built.js";

/** A picture, and what PIL makes of it: the RGB itself, or its SHA-256 where the picture is not the project's. */
export interface Picture {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly rgb?: Uint8Array;
  readonly sha256?: string;
}

export type Host = "Node" | "Chromium" | "Firefox";

const folder = new URL("test/fixtures/pictures/", root);
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

export const fixtures: readonly Picture[] = Object.entries(
  json("expected.json") as Record<string, { width: number; height: number; rgb: string }>,
).map(([name, { width, height, rgb }]) => ({
  name,
  bytes: readFileSync(new URL(name, folder)),
  width,
  height,
  rgb: Buffer.from(rgb, "base64"),
}));

const data = new URL("../shared/data/", root);

/** Why pictures that are not the project's are skipped; empty where they are there. */
export const noData = existsSync(data) ? "" : " (skipped: no ../shared/data beside the checkout)";
if (noData) console.log(`odd images and photographs${noData}`);

/** Those and the photographs, plain and tagged Display P3, which changes nothing for PIL. */
export const shared: readonly Picture[] = noData ? [] : sharedPictures();

function sharedPictures(): Picture[] {
  const known = json("sha256.json") as Record<string, { width: number; height: number; sha256: string }>;
  const profile = readFileSync(new URL("display-p3.icc", folder));
  const found: Picture[] = [];
  for (const [path, facts] of Object.entries(known)) {
    const bytes = readFileSync(new URL(path, data));
    const name = path.replace("imagenet/", "");
    found.push({ name, bytes, ...facts });
    if (!path.startsWith("imagenet/")) continue;
    const body = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), profile]);
    const head = Buffer.from([0xff, 0xe2, (body.length + 2) >> 8, (body.length + 2) & 255]);
    const tagged = Buffer.concat([bytes.subarray(0, 2), head, body, bytes.subarray(2)]);
    found.push({ name: `${name}, tagged Display P3`, bytes: tagged, ...facts });
  }
  return found;
}

/** The table in docs/pictures.md: for each picture and host the largest difference from PIL's pixels, or "refused". */
export function documented(host: Host): Map<string, number | "refused"> {
  const lines = readFileSync(new URL("docs/pictures.md", root), "utf8").split("\n");
  const head = lines.findIndex((line) => /^\| picture +\|/.test(line));
  const column = lines[head]!.split("|").findIndex((cell) => cell.trim() === host);
  const found = new Map<string, number | "refused">();
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    const cells = line.split("|").map((cell) => cell.trim());
    const cell = cells[column]!.split(" ")[0]!;
    for (const name of cells[1]!.matchAll(/`([^`]+)`/g)) found.set(name[1]!, cell === "refused" ? cell : Number(cell));
  }
  return found;
}

/** What is wrong with a host's results, by the table: nothing may differ that is not listed, nor be listed that is equal. */
export function complaints(host: Host, results: ReadonlyMap<string, number | string>): string[] {
  const listed = documented(host);
  const wrong: string[] = [];
  for (const [name, result] of results) {
    const said = listed.get(name) ?? 1;
    if (typeof result === "string") {
      if (said !== "refused" || !result.startsWith("ImageDecodeError")) wrong.push(`${name}: ${result}`);
    } else if (said === "refused") wrong.push(`${name}: listed as refused, and decoded`);
    else if (result > Math.max(1, said)) wrong.push(`${name}: ${result}, listed ${said}`);
    else if (result <= 1 && said > 1) wrong.push(`${name}: ${result}, yet listed with ${said}`);
  }
  return wrong;
}

/** The largest difference of two pictures' bytes. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return 255;
  let largest = 0;
  for (let at = 0; at < a.length; at++) largest = Math.max(largest, Math.abs(a[at]! - b[at]!));
  return largest;
}

/** What Node makes of a picture: the largest difference from PIL, or the error; and the pixels. */
export async function inNode(picture: Picture): Promise<{ result: number | string; rgb: Uint8Array | null }> {
  try {
    const { data, width, height } = await decodeBytes(picture.bytes, picture.name);
    const rgb = new Uint8Array(data);
    if (width !== picture.width || height !== picture.height) return { result: `${width} x ${height}`, rgb };
    if (picture.rgb) return { result: difference(rgb, picture.rgb), rgb };
    return { result: createHash("sha256").update(rgb).digest("hex") === picture.sha256 ? 0 : "other pixels", rgb };
  } catch (error) {
    return { result: `${error}`, rgb: null };
  }
}

/**
 * Files of a page that decodes pictures and posts to /reports what each differs by: from PIL, or from Node where that has PIL's
 * pixels by their hash.
 */
export async function comparisonPage(): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  const list: { name: string; width: number; height: number; compared: boolean }[] = [];
  for (const picture of [...fixtures, ...shared]) {
    const rgb = picture.rgb ?? (await inNode(picture)).rgb;
    const { name, width, height } = picture;
    list.push({ name, width, height, compared: rgb !== null });
    files[`/pictures/${encodeURIComponent(name)}`] = picture.bytes;
    if (rgb) files[`/pictures/${encodeURIComponent(name)}.rgb`] = rgb;
  }
  files["/pictures.json"] = Buffer.from(JSON.stringify(list));
  const page = '<!doctype html><title>pictures</title><script type="module" src="/pictures.js"></script>';
  files["/pictures.html"] = Buffer.from(page);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("test/browser/pictures-page.ts", root))],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  files["/pictures.js"] = outputFiles[0]!.contents;
  return files;
}

/** The report of that page. */
export function readReport(reports: readonly string[]): Map<string, number | string> | null {
  const found = reports.find((it) => it.startsWith('{"pictures"'));
  return found ? new Map(Object.entries(JSON.parse(found).pictures)) : null;
}

// Runs in each browser: decodes every picture of the list, and posts what each differs by.
import { decodeInBrowser } from "../../src/image/decode-browser.js";

const own = () => import("../../src/image/own.js");
const bytesOf = async (name: string) => new Uint8Array(await (await fetch(name)).arrayBuffer());

async function compare(name: string, width: number, height: number, compared: boolean): Promise<number | string> {
  const path = `/pictures/${encodeURIComponent(name)}`;
  try {
    const pixels = await decodeInBrowser(new Blob([await bytesOf(path)]), null, own);
    if (pixels.width !== width || pixels.height !== height) return `${pixels.width} x ${pixels.height}`;
    if (!compared) return "decoded, but not in Node";
    const rgb = await bytesOf(`${path}.rgb`);
    let largest = 0;
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = pixels.data[pixel * pixels.channels + channel]!;
        largest = Math.max(largest, Math.abs(value - rgb[3 * pixel + channel]!));
      }
    }
    return largest;
  } catch (error) {
    return `${error}`;
  }
}

const pictures: Record<string, number | string> = {};
for (const { name, width, height, compared } of await (await fetch("/pictures.json")).json())
  pictures[name] = await compare(name, width, height, compared);
await fetch("/reports", { method: "POST", body: JSON.stringify({ pictures }) });

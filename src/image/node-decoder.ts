// The process that decodes pictures for Node: started and killed by decoder-process.ts.
import { MAX_IMAGE_BYTES } from "../limits.js";
import { decodeEncoded } from "./decode-encoded.js";
import { frame, PICTURE, Unframer } from "./framing.js";

const send = (numbers: readonly [number, number, number], body: Uint8Array) => {
  process.stdout.write(frame(numbers, body.length));
  process.stdout.write(body);
};

const requests = new Unframer(MAX_IMAGE_BYTES, async (_, body) => {
  try {
    const { data, width, height } = await decodeEncoded(body, PICTURE);
    send([0, width, height], data as Uint8Array);
  } catch (error) {
    send([1, 0, 0], Buffer.from((error as Error).message));
  }
});

process.stdin.on("data", (bytes: Buffer) => requests.push(bytes));
// Whoever started it is gone.
process.stdin.on("end", () => process.exit());
process.stdout.on("error", () => process.exit());
// The sign of life.
send([2, 0, 0], new Uint8Array(0));
// Each picture comes once.
import("sharp").then(({ default: sharp }) => sharp.cache(false)).catch(() => {});

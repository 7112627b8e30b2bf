import { type FileHandle, open } from "node:fs/promises";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { prepareDecoder } from "../image/decode-node.js";
import { openInPlace } from "../session/open.js";
import { decodeListed, type ListedImage, listImages } from "./images.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { complain, reason, say } from "./out.js";
import { showProgress } from "./progress.js";

/** Where vectors go, one after the other. */
interface Writer {
  write(name: string, vector: Float32Array): Promise<void>;
  /** Of `rows` vectors that were written. */
  end(rows: number): Promise<void>;
}

/** Writes the features of images to a file; an image that fails is reported, and the rest go on. Prints the name of each row. */
export async function embed(names: string[], options: Options): Promise<number> {
  const { output } = options;
  if (output === undefined) throw new OptionError("embed needs --output FILE.npy or FILE.jsonl.");
  const make = Object.entries(writers).find(([ending]) => output.toLowerCase().endsWith(ending))?.[1];
  if (!make) {
    throw new OptionError(`--output is "${output}"; its name must end in ${Object.keys(writers).join(" or ")}.`);
  }
  const images = await listImages(names);
  prepareDecoder();
  const session = await openInPlace(nodeHost, modelOf(options), await loadOptions(options));
  let rows = 0;
  let file: FileHandle | null = null;
  try {
    if (session.embedding === null) {
      // It says why.
      await session.features({ what: "embed", image: { data: new Uint8Array(3), width: 1, height: 1 } });
    }
    file = await open(output, "w");
    const writer = make(file, session.embedding!);
    for (const [index, image] of images.entries()) {
      showProgress(`${index + 1} of ${images.length}: ${image.name}`);
      const vector = await vectorOf(image, (it) => session.features({ what: "embed", image: it }));
      if (!vector) continue;
      await writer.write(image.name, vector);
      rows++;
      showProgress("");
      say(image.name);
    }
    await writer.end(rows);
  } finally {
    showProgress("");
    await file?.close();
    await session.close();
  }
  return rows < images.length ? 1 : 0;
}

/** Null where it failed, which was said. */
async function vectorOf(
  image: ListedImage,
  ask: (image: unknown) => Promise<Float32Array>,
): Promise<Float32Array | null> {
  try {
    return await ask(await decodeListed(image));
  } catch (error) {
    const { name, message } = reason(error);
    showProgress("");
    complain(`${image.name}: ${name}: ${message}`);
    return null;
  }
}

/** By the output's ending. */
const writers: Readonly<Record<string, (file: FileHandle, length: number) => Writer>> = {
  ".npy": numpyWriter,
  ".jsonl": (file) => ({
    write: async (image, vector) => {
      await file.write(`${JSON.stringify({ image, embedding: Array.from(vector) })}\n`);
    },
    end: async () => {},
  }),
};

/** Bytes before the values: the format wants a multiple of 64. */
const NUMPY_HEAD = 128;

/** NumPy's format, version 1.0: an f32 array [rows, length]. Its header says how many rows there are, and is written last. */
function numpyWriter(file: FileHandle, length: number): Writer {
  let at = NUMPY_HEAD;
  return {
    async write(_, vector) {
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
      await file.write(bytes, 0, bytes.length, at);
      at += bytes.length;
    },
    async end(rows) {
      const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${length}), }`;
      const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(NUMPY_HEAD - 11)}\n`, "latin1");
      head.writeUInt16LE(NUMPY_HEAD - 10, 8);
      await file.write(head, 0, head.length, 0);
    },
  };
}

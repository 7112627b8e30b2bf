import { open } from "node:fs/promises";
import { OptionError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { prepareDecoder } from "../image/decode-node.js";
import { openInPlace } from "../session/open.js";
import { decodeListed, type ListedImage, listImages } from "./images.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { complain, reason, say } from "./out.js";
import { createParquet } from "./parquet-file.js";
import { showProgress } from "./progress.js";

/** Where vectors go, one after the other. */
interface Writer {
  write(name: string, vector: Float32Array): Promise<void>;
  /** All vectors were written. */
  end(): Promise<void>;
  /** Lets go of the file, whether it ended or not. */
  close(): Promise<void>;
}

/** Writes the features of images to a file; an image that fails is reported, and the rest go on. Prints the name of each row. */
export async function embed(names: string[], options: Options): Promise<number> {
  const { output } = options;
  if (output === undefined) throw new OptionError(`embed needs --output FILE with a name that ends in ${endings}.`);
  const make = Object.entries(writers).find(([ending]) => output.toLowerCase().endsWith(ending))?.[1];
  if (!make) {
    throw new OptionError(`--output is "${output}"; its name must end in ${endings}.`);
  }
  const images = await listImages(names);
  prepareDecoder();
  const session = await openInPlace(nodeHost, modelOf(options), await loadOptions(options));
  let rows = 0;
  let writer: Writer | null = null;
  try {
    if (session.embedding === null) {
      // It says why.
      await session.features({ what: "embed", image: { data: new Uint8Array(3), width: 1, height: 1 } });
    }
    writer = await make(output, session.embedding!);
    for (const [index, image] of images.entries()) {
      showProgress(`${index + 1} of ${images.length}: ${image.name}`);
      const vector = await vectorOf(image, (it) => session.features({ what: "embed", image: it }));
      if (!vector) continue;
      await writer.write(image.name, vector);
      rows++;
      showProgress("");
      say(image.name);
    }
    await writer.end();
  } finally {
    showProgress("");
    await writer?.close();
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

/** By the output's ending. Each is given the file's path and the length of a vector. */
const writers: Readonly<Record<string, (path: string, length: number) => Promise<Writer>>> = {
  ".npy": numpyWriter,
  ".jsonl": linesWriter,
  ".parquet": parquetWriter,
};
const endings = Object.keys(writers)
  .join(", ")
  .replace(/, (?=[^,]*$)/, " or ");

/** Bytes before the values: the format wants a multiple of 64. */
const NUMPY_HEAD = 128;

/** NumPy's format, version 1.0: an f32 array [rows, length]. Its header says how many rows there are, and is written last. */
async function numpyWriter(path: string, length: number): Promise<Writer> {
  const file = await open(path, "w");
  let rows = 0;
  return {
    async write(_, vector) {
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
      await file.write(bytes, 0, bytes.length, NUMPY_HEAD + rows++ * bytes.length);
    },
    async end() {
      const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${length}), }`;
      const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(NUMPY_HEAD - 11)}\n`, "latin1");
      head.writeUInt16LE(NUMPY_HEAD - 10, 8);
      await file.write(head, 0, head.length, 0);
    },
    close: () => file.close(),
  };
}

async function linesWriter(path: string): Promise<Writer> {
  const file = await open(path, "w");
  return {
    async write(image, vector) {
      await file.write(`${JSON.stringify({ image, embedding: Array.from(vector) })}\n`);
    },
    end: async () => {},
    close: () => file.close(),
  };
}

/** Rows that are held at a time: 4 MB of a ResNet-18's. */
const ROWS = 1_000;

/** A column of names, and one of lists of f32 values. */
async function parquetWriter(path: string): Promise<Writer> {
  const required = { repetition_type: "REQUIRED" } as const;
  const file = await createParquet(
    path,
    [
      { name: "image", ...required, type: "BYTE_ARRAY", converted_type: "UTF8" },
      { name: "embedding", ...required, converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", ...required, type: "FLOAT" },
    ],
    2,
  );
  let [images, vectors]: [string[], number[][]] = [[], []];
  const put = async () => {
    // Noise does not get smaller.
    const embedding = { name: "embedding", data: vectors, codec: "UNCOMPRESSED", encoding: "PLAIN" } as const;
    await file.write([{ name: "image", data: images }, embedding]);
    [images, vectors] = [[], []];
  };
  return {
    async write(image, vector) {
      images.push(image);
      vectors.push(Array.from(vector));
      if (images.length === ROWS) await put();
    },
    async end() {
      if (images.length > 0) await put();
      await file.end();
    },
    close: () => file.abandon(),
  };
}

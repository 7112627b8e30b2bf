import { crc32, deflateSync } from "node:zlib";

/** A panorama of stripes, longer than any browser's canvas. */
export function panorama(): Uint8Array {
  const row = Buffer.alloc(8751, 0x0f);
  row[0] = 0;
  return png(70_000, 100, deflateSync(Buffer.alloc(8751 * 100, row)));
}

/** Pictures that ask for more than they are worth: made here, none larger than 2 MB. */
export function bombs(): Map<string, Uint8Array> {
  const text = (it: string) => Buffer.from(it, "latin1");
  const found = new Map<string, Uint8Array>();
  const add = (name: string, bytes: Uint8Array) => found.set(name, bytes);

  add("SVG", text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'));
  const uses = Array.from({ length: 12 }, (_, at) => `<g id="a${at + 1}">${`<use href="#a${at}"/>`.repeat(10)}</g>`);
  add(
    "SVG whose uses double",
    text(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><g id="a0"/>${uses.join("")}</svg>`),
  );
  add("nothing", new Uint8Array(0));
  add("HTML", text("<!doctype html><p>Not found"));
  add("an icon", Buffer.concat([Buffer.from([0, 0, 1, 0, 1, 0, 0, 0]), Buffer.alloc(64)]));

  add("PNG, 20,000 x 20,000, whole", png(20_000, 20_000, zeros(2501 * 20_000)));
  add("PNG, 17,000 x 17,000, whole", png(17_000, 17_000, zeros(2126 * 17_000)));
  add("PNG, 5,000 x 5,000, whole", png(5000, 5000, zeros(626 * 5000)));
  add("PNG, 70,000 x 100, whole", png(70_000, 100, zeros(8751 * 100)));
  add("PNG, 100 x 70,000, whole", png(100, 70_000, zeros(14 * 70_000)));
  add("PNG, 100,001 x 1", png(100_001, 1, zeros(12_502)));
  add("PNG, 2,147,483,647 x 2,147,483,647", png(0x7fffffff, 0x7fffffff, zeros(9)));
  add("PNG without pixels", png(0, 5, zeros(9)));
  add("PNG, 3,000 x 3,000, cut off", png(3000, 3000, zeros(999)));
  add("PNG of noise that is no deflate", png(300, 300, Buffer.alloc(3000, 0x5a)));
  add("PNG, 3,000 x 3,000, 16-bit grays, cut off", png(3000, 3000, zeros(9999), 16));
  add(
    "PNG with a text of 200 MB",
    png(8, 8, zeros(16), 1, chunk("zTXt", Buffer.concat([text("a\0\0"), zeros(200 << 20)]))),
  );

  add("JPEG, 65,500 x 65,500", jpeg(65_500, 65_500));
  add("JPEG without height", jpeg(100, 0));
  add("JPEG of fill bytes", Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(1 << 20, 0xff)]));
  add(
    "JPEG of empty segments",
    Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(1 << 20, Buffer.from([0xff, 0xe0, 0, 2]))]),
  );
  add("JPEG, 4,000 x 4,000, without scans", jpeg(4000, 4000));
  add("JPEG in colour, 20,000 x 20,000", jpeg(20_000, 20_000, 3));
  for (const lead of leads) add(`JPEG, 20,000 x 20,000, 8 x 8 after ff${lead}`, decoy(lead));

  add("GIF, 65,535 x 65,535", gif(0xffff, 0xffff, [0, 0, 0xffff, 0xffff]));
  add("GIF, 1 x 1, its frame 65,535 x 65,535", gif(1, 1, [0, 0, 0xffff, 0xffff]));
  add("GIF, its frame far outside", gif(1, 1, [0xffff, 0xffff, 1, 1]));
  add(
    "GIF, 3,000 x 3,000, clearing for ever",
    gif(3000, 3000, [0, 0, 3000, 3000], Buffer.alloc(1 << 20, Buffer.from([255, ...Array(255).fill(0x24)]))),
  );
  add(
    "GIF of extensions",
    Buffer.concat([gif(9, 9, [0, 0, 9, 9]).subarray(0, 13), Buffer.alloc(1 << 20, Buffer.from([0x21, 0xfe, 1, 0, 0]))]),
  );

  const canvas = Buffer.from("RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", "latin1");
  add("WebP, 16,777,216 x 16,777,216", canvas);
  add(
    "WebP, 16,384 x 6,000, without a frame",
    Buffer.from("RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\x6f\x17\0", "latin1"),
  );
  add("WebP that ends", canvas.subarray(0, 24));

  add("BMP, 2,147,483,647 x 1", bmp(0x7fffffff, 1, 24, 0));
  add("BMP, 3,000 x 3,000, cut off", bmp(3000, 3000, 24, 0));
  add("BMP, 3,000 x 3,000, run lengths", bmp(3000, 3000, 8, 1));
  add("BMP of four billion colours", bmp(5, 5, 8, 0, 0xffffffff));

  const box = (name: string, body: Uint8Array, size = 8 + body.length) =>
    Buffer.concat([number(size), text(name), body]);
  const ispe = box("ispe", Buffer.concat([number(0), number(65_536), number(65_536)]));
  const type = box("ftyp", text("avif\0\0\0\0avifmif1"));
  add("AVIF, 65,536 x 65,536", Buffer.concat([type, box("meta", Buffer.concat([number(0), ispe]))]));
  add("AVIF of empty boxes", Buffer.concat([type, Buffer.alloc(1 << 20)]));
  add("HEIC", box("ftyp", text("heic\0\0\0\0mif1heic")));
  return found;
}

const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** So many zeros, deflated: a thousandth of them. */
function zeros(count: number): Uint8Array {
  return deflateSync(Buffer.alloc(count));
}

function chunk(name: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
  return Buffer.concat([number(body.length), named, number(crc32(named))]);
}

function png(
  width: number,
  height: number,
  body: Uint8Array,
  depth = 1,
  more: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const header = Buffer.concat([number(width), number(height), Buffer.from([depth, 0, 0, 0, 0])]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), more, chunk("IDAT", body), chunk("IEND", new Uint8Array(0))]);
}

function jpeg(width: number, height: number, components: 1 | 3 = 1): Buffer {
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const each = [1, 2, 3].slice(0, components).flatMap((id) => [id, 0x11, 0]);
  return Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 8 + each.length, 8, ...size, components, ...each, 0xff, 0xd9]);
}

/** What has no length: a byte that fills, and the rest of a marker: a stuffed byte, TEM, RST0. */
export const leads = ["", "00", "01", "d0"] as const;

/** A JPEG of 20,000 x 20,000, in whose first segment lies a frame of 8 x 8: who takes a length after `lead` finds that one. */
export function decoy(lead: (typeof leads)[number]): Uint8Array {
  const segment = [0xff, 0xe0, 0xff, 0xff];
  const begin = Buffer.from([0xff, 0xd8, 0xff, ...Buffer.from(lead, "hex"), ...segment]);
  const bytes = Buffer.concat([begin, Buffer.alloc(0xffff - 2), jpeg(20_000, 20_000, 3).subarray(2)]);
  bytes.set(jpeg(8, 8, 3).subarray(2), 4 + bytes.readUInt16BE(4));
  return bytes;
}

function gif(
  width: number,
  height: number,
  frame: number[],
  codes: Uint8Array = Buffer.from([2, 0x44, 1]),
): Uint8Array {
  const words = (values: number[]) => Buffer.from(Uint16Array.from(values).buffer);
  const palette = Buffer.from([0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0]);
  return Buffer.concat([
    Buffer.from("GIF89a"),
    words([width, height]),
    Buffer.from([0x81, 0, 0]),
    palette,
    Buffer.from(","),
    words(frame),
    Buffer.from([0, 2]),
    codes,
    Buffer.from([0, 0x3b]),
  ]);
}

function bmp(width: number, height: number, bits: number, compression: number, colours = 0): Uint8Array {
  const bytes = Buffer.alloc(54 + 1024 + 64);
  bytes.write("BM");
  bytes.writeUInt32LE(54 + 1024, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(compression, 30);
  bytes.writeUInt32LE(colours, 46);
  return bytes;
}

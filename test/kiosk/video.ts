import { writeFile } from "node:fs/promises";
import sharp from "sharp";

/** A video of one picture for Chromium's fake camera: YUV4MPEG2, 4:2:0, BT.601, the picture in full on grey. */
export async function writeVideo(file: string, picture: string, width = 640, height = 480): Promise<void> {
  const { data } = await sharp(picture)
    .resize(width, height, { fit: "contain", background: "#808080" })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const y = Buffer.alloc(width * height);
  const u = Buffer.alloc((width * height) / 4);
  const v = Buffer.alloc((width * height) / 4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const [r, g, b] = [data[3 * at]!, data[3 * at + 1]!, data[3 * at + 2]!];
      y[at] = Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
      if (row % 2 || column % 2) continue;
      const half = (row / 2) * (width / 2) + column / 2;
      u[half] = Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
      v[half] = Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
    }
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), y, u, v]);
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`);
  await writeFile(file, Buffer.concat([header, ...Array.from({ length: 4 }, () => frame)]));
}

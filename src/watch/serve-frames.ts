import type { FastPictures } from "../image/fast-browser.js";
import type { WorkerPort } from "../worker/handle/handle.js";
import type { FrameNews, FrameOrder } from "./messages.js";

/** A worker's life: it reads frames of one video. */
export function serveFrames(port: WorkerPort, pictures: Promise<Pick<FastPictures, "crop">>): void {
  let how: Extract<FrameOrder, { spec: unknown }>;
  // Each frame's answer says that there is none. Without this line, a rejection before the first frame counts as unhandled.
  pictures.catch(() => {});
  port.listen(async (order: FrameOrder) => {
    if ("spec" in order) {
      how = order;
      return;
    }
    const crops = await pictures
      .then((all) => all.crop(order.frame, [how.spec], null, how.part))
      .catch(() => null)
      .finally(() => order.frame.close());
    const crop = (crops?.[0] ?? null) as FrameNews["crop"];
    port.post({ crop } satisfies FrameNews, crop ? [crop.buffer] : []);
  });
}

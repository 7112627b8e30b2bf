import type { Classifier } from "../../src/entry/index.js";

/**
 * For `page.evaluate`: watches a video of the photograph at `address` with the page's `globalThis.classifier`, until a worker beside the
 * model's has read more than three of its frames. `expected`: what `classify` answers of the video.
 */
export async function watchPhotograph(address: string) {
  const { classifier } = globalThis as unknown as { classifier: Classifier };
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: bitmap.width & -2, height: bitmap.height & -2 });
  const drawing = setInterval(() => canvas.getContext("2d")!.drawImage(bitmap, 0, 0), 20);
  const video = document.createElement("video");
  Object.assign(video, { muted: true, srcObject: canvas.captureStream(30) });
  await video.play();
  const expected = await classifier.classify(video, { topK: 3 });
  const { postMessage } = Worker.prototype;
  let crops = 0;
  Worker.prototype.postMessage = function (this: Worker, ...all: unknown[]) {
    if ((all[0] as { image?: { crop?: unknown } }).image?.crop) crops++;
    return postMessage.apply(this, all as never);
  };
  const stop = new AbortController();
  // A classifier that answers before the next frame is shown needs no other worker. This one is kept busy throughout, so that it does.
  const keepBusy = async () => {
    while (!stop.signal.aborted) await Promise.all(Array.from({ length: 10 }, () => classifier.classify(bitmap)));
  };
  const busy = keepBusy();
  const answers: (typeof expected)[] = [];
  await classifier.watch(video, {
    signal: stop.signal,
    topK: 3,
    onAnswer: (scores) => {
      answers.push([...scores]);
      if (crops > 3) stop.abort();
    },
  });
  await busy;
  Worker.prototype.postMessage = postMessage;
  clearInterval(drawing);
  return { expected, answers, crops };
}

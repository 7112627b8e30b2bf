const FETCH_MS = 10_000;
/** More is not fetched: a page names its pictures, and their servers are anybody's. */
export const MOST_BYTES = 32 << 20;

/**
 * The bytes of a picture on a page, with no permission for any site. Fetched, where its server or the page's own origin allows
 * that; or else cut out of what the tab shows, which the user's click allows.
 */
export async function pictureOf(address: string, tabId: number | undefined): Promise<Blob> {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(FETCH_MS) });
    const blob = answer.ok ? await bounded(answer) : null;
    if (blob && blob.size > 0) return blob;
  } catch {
    // Not for us to fetch: the tab has it.
  }
  if (tabId === undefined) throw new Error("This picture cannot be fetched. Save it, and drop it onto the popup.");
  return cutOut(address, tabId);
}

/** An answer's body; null where it has more than `MOST_BYTES`, whatever its header says. */
async function bounded(answer: Response): Promise<Blob | null> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const stated = Number(answer.headers.get("content-length") ?? 0);
  if (stated > MOST_BYTES || !answer.body) {
    await answer.body?.cancel();
    return null;
  }
  let bytes = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return new Blob(pieces, { type: answer.headers.get("content-type") ?? "" });
    bytes += value.length;
    pieces.push(value);
    if (bytes > MOST_BYTES) {
      await reader.cancel();
      return null;
    }
  }
}

async function cutOut(address: string, tabId: number): Promise<Blob> {
  try {
    const [frame] = await chrome.scripting.executeScript({ target: { tabId }, func: place, args: [address] });
    const found = frame?.result;
    if (!found) throw new Error("it is not on the page");
    const shot = await createImageBitmap(
      await (await fetch(await chrome.tabs.captureVisibleTab({ format: "png" }))).blob(),
    );
    const scale = shot.width / found.pageWidth;
    const canvas = new OffscreenCanvas(Math.ceil(found.width * scale), Math.ceil(found.height * scale));
    canvas.getContext("2d")!.drawImage(shot, -found.x * scale, -found.y * scale);
    shot.close();
    return await canvas.convertToBlob();
  } catch (cause) {
    throw new Error(`This picture cannot be read (${(cause as Error).message}). Save it, and drop it onto the popup.`);
  }
}

/** Runs in the page: where the visible part of a picture is, in CSS pixels. */
function place(address: string): { x: number; y: number; width: number; height: number; pageWidth: number } | null {
  for (const image of document.images) {
    if (image.currentSrc !== address && image.src !== address) continue;
    const { left, top, right, bottom } = image.getBoundingClientRect();
    const x = Math.max(0, left);
    const y = Math.max(0, top);
    const width = Math.min(innerWidth, right) - x;
    const height = Math.min(innerHeight, bottom) - y;
    if (width >= 8 && height >= 8) return { x, y, width, height, pageWidth: innerWidth };
  }
  return null;
}

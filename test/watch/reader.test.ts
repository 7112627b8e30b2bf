import { expect, test, vi } from "vitest";
import type { FrameNews, FrameOrder } from "../../src/watch/messages.js";
import { FrameReader } from "../../src/watch/reader.js";
import { serveFrames } from "../../src/watch/serve-frames.js";
import type { WorkerHandle } from "../../src/worker/handle/handle.js";

const how = { spec: { resize: 2, crop: 2, interpolation: "bilinear" }, part: undefined } as const;
const frame = () => ({ close: vi.fn() }) as unknown as VideoFrame & { close: ReturnType<typeof vi.fn> };

function fakeWorker() {
  let tell!: (news: FrameNews) => void;
  let end!: (reason: string) => void;
  const post = vi.fn();
  const worker = {
    post,
    listen: (onMessage: typeof tell, onEnd: typeof end) => {
      tell = onMessage;
      end = onEnd;
    },
    terminate: vi.fn(),
  };
  return {
    reader: new FrameReader(worker as unknown as WorkerHandle, how),
    worker,
    tell: (news: FrameNews) => tell(news),
    end: () => end("gone"),
  };
}

test("a frame is sent and closed, and its crop comes back", async () => {
  const { reader, worker, tell } = fakeWorker();
  const [first, crop] = [frame(), new Uint8ClampedArray(12)];
  const reading = reader.read(first);
  expect(worker.post.mock.calls).toEqual([[how], [{ frame: first }, [first]]]);
  expect(first.close).toHaveBeenCalled();
  tell({ crop });
  expect(await reading).toEqual({ crop });
});

test("a frame that cannot be sent is closed, and so are all once the worker has ended", async () => {
  const { reader, worker, end } = fakeWorker();
  worker.post.mockImplementationOnce(() => {
    throw new Error("cannot be cloned");
  });
  const frames = [frame(), frame(), frame()];
  expect(await reader.read(frames[0]!)).toBeNull();
  const pending = reader.read(frames[1]!);
  end();
  expect(await pending).toBeNull();
  expect(await reader.read(frames[2]!)).toBeNull();
  for (const it of frames) expect(it.close).toHaveBeenCalled();
  expect(worker.terminate).toHaveBeenCalled();
});

test("a worker that ends without an event, or never has its module, is given up after 2 s", async () => {
  vi.useFakeTimers();
  try {
    const { reader, worker, tell } = fakeWorker();
    const read = reader.read(frame());
    await vi.advanceTimersByTimeAsync(1500);
    const crop = new Uint8ClampedArray(12);
    tell({ crop });
    expect(await read).toEqual({ crop });
    await vi.advanceTimersByTimeAsync(5000);
    expect(worker.terminate).not.toHaveBeenCalled();
    const [silent, later] = [frame(), frame()];
    const pending = reader.read(silent);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await pending).toBeNull();
    expect(await reader.read(later)).toBeNull();
    for (const it of [silent, later]) expect(it.close).toHaveBeenCalled();
    expect(worker.terminate).toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test.each(["crop", "failure", "no module"] as const)("its worker closes the frame: %s", async (kind) => {
  let give!: (order: FrameOrder) => void;
  const post = vi.fn();
  const bytes = new Uint8ClampedArray(12);
  const crop = vi.fn(async () => {
    if (kind === "failure") throw new Error("broken");
    return [bytes];
  });
  const pictures = kind === "no module" ? Promise.reject(new Error("missing")) : Promise.resolve({ crop });
  const listen = (onMessage: (message: never) => void) => {
    give = onMessage as typeof give;
  };
  serveFrames({ post, listen }, pictures as never);
  const it = frame();
  give(how);
  give({ frame: it });
  await vi.waitFor(() => expect(post).toHaveBeenCalled());
  expect(it.close).toHaveBeenCalledOnce();
  if (kind === "crop") expect(crop).toHaveBeenCalledWith(it, [how.spec], null, undefined);
  expect(post).toHaveBeenCalledExactlyOnceWith(
    ...(kind === "crop" ? [{ crop: bytes }, [bytes.buffer]] : [{ crop: null }, []]),
  );
});

import { expect, test, vi } from "vitest";
import type { Host } from "../../src/host/host.js";
import { FrameReader } from "../../src/watch/reader.js";
import type { WorkerHandle, WorkerPort } from "../../src/worker/handle/handle.js";
import type { News, Request } from "../../src/worker/messages.js";
import { serveSession } from "../../src/worker/serve.js";

const spec = { resize: 2, crop: 2, interpolation: "bilinear" } as const;
const part = { rotation: 90 } as const;
const frame = () => ({ close: vi.fn() }) as unknown as VideoFrame & { close: ReturnType<typeof vi.fn> };

function fakeWorker() {
  let tell!: (news: News) => void;
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
    reader: new FrameReader(worker as unknown as WorkerHandle, spec, part),
    worker,
    tell: (news: News) => tell(news),
    end: () => end("gone"),
  };
}

test("a frame is sent and closed, and its crop comes back", async () => {
  const { reader, worker, tell } = fakeWorker();
  const [first, crop] = [frame(), new Uint8ClampedArray(12)];
  const reading = reader.read(first);
  expect(worker.post.mock.calls).toEqual([[{ kind: "crop", id: 0, image: first, spec, part }, [first]]]);
  expect(first.close).toHaveBeenCalled();
  tell({ hello: true });
  tell({ id: 0, value: crop });
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
    tell({ id: 0, value: crop });
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

test("a frame that the worker fails at is null", async () => {
  const { reader, tell } = fakeWorker();
  const reading = reader.read(frame());
  tell({ id: 0, error: { name: "Error", message: "broken" } as never });
  expect(await reading).toBeNull();
});

test.each(["crop", "failure", "not at first", "never"] as const)("the worker closes the frame: %s", async (kind) => {
  let give!: (request: Request) => void;
  const post = vi.fn();
  const bytes = new Uint8ClampedArray(12);
  let asked = 0;
  const crop = vi.fn(async () => {
    if (kind === "failure") throw new Error("broken");
    return kind === "never" || (kind === "not at first" && asked++ === 0) ? null : [bytes];
  });
  const listen = (onMessage: (message: never) => void) => {
    give = onMessage as typeof give;
  };
  const release = vi.fn((image: unknown) => (image as VideoFrame).close());
  serveSession({ post, listen } as WorkerPort, { crop, release } as unknown as Host);
  await vi.waitFor(() => expect(post).toHaveBeenCalledWith({ hello: true, lock: undefined }));
  const it = frame();
  give({ kind: "crop", id: 0, image: it, spec, part });
  await vi.waitFor(() => expect(post).toHaveBeenCalledTimes(2));
  expect(it.close).toHaveBeenCalledOnce();
  expect(crop).toHaveBeenCalledWith(it, [spec], expect.any(AbortSignal), part);
  const [[news]] = post.mock.calls.slice(1) as [[{ value?: unknown; error?: unknown }]];
  expect(news.value).toBe(kind === "crop" || kind === "not at first" ? bytes : undefined);
  expect("error" in news).toBe(kind === "failure");
});

import type { Host } from "../host/host.js";
import { type QuantizeHost, quantizeModel } from "../quantize/model.js";
import type { Picture, Pictures } from "../quantize/pictures.js";
import { receiveError, sendError } from "./errors.js";
import type { WorkerPort } from "./handle/handle.js";
import type { Order, Which, Word } from "./quantizing.js";

/** What the worker needs of where it runs. */
type WorkerHost = Omit<QuantizeHost, "cpu"> & Pick<Host, "wasm" | "threadSupport" | "decode" | "release">;

/** A worker's life: it quantizes one model. `lock`: see `holdLock`. */
export async function serveQuantizing(port: WorkerPort, host: WorkerHost, lock?: Promise<string | undefined>) {
  const post = (word: Word, transfer: Transferable[] = []) => port.post(word, transfer);
  let given: ((order: Exclude<Order, { kind: "quantize" }>) => void) | undefined;

  const picturesOf = (which: Which, length: number | undefined | null): Pictures | null => {
    if (length === null) return null;
    const at = async (index: number): Promise<Picture | null> => {
      const order = await new Promise<Exclude<Order, { kind: "quantize" }>>((resolve) => {
        given = resolve;
        post({ ask: which, index });
      });
      if (order.kind === "end") return null;
      const { name, image, error } = order;
      const decode = async () => {
        if (error) throw receiveError(error);
        try {
          return await host.decode(image, null);
        } finally {
          host.release?.(image);
        }
      };
      return { name, decode };
    };
    return { length, at };
  };

  const work = async ({ source, settings, counts }: Extract<Order, { kind: "quantize" }>) => {
    const cpu = {
      wasm: (variant: Parameters<Host["wasm"]>[0]) => host.wasm(variant),
      threadSupport: host.threadSupport,
    };
    const images = picturesOf("images", counts.images);
    const held = picturesOf("evaluate", counts.evaluate);
    const onProgress = (progress: Extract<Word, { progress: object }>["progress"]) => post({ progress });
    return quantizeModel({ ...host, cpu }, source, { ...settings, images, held, onProgress });
  };

  port.listen((order: Order) => {
    if (order.kind !== "quantize") return given?.(order);
    work(order).then(
      (value) => post({ value }, [value.file.buffer]),
      (error) => post({ error: sendError(error) }),
    );
  });
  const held = await lock;
  post(held === undefined ? { hello: true } : { hello: true, lock: held });
}

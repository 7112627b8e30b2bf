import { expect, test, vi } from "vitest";
import { quantizeInWorker, type Word } from "../../src/worker/quantizing.js";

test("a picture that cannot be posted is closed, and passed over", async () => {
  let tell!: (word: Word) => void;
  const posted: unknown[] = [];
  const close = vi.fn();
  const host = {
    absolute: (address: string) => address,
    startWorker: () => ({
      post(message: { kind: string; image?: unknown }) {
        if (message.image) throw new DOMException("It was detached.", "DataCloneError");
        posted.push(message);
        if (message.kind === "quantize") queueMicrotask(() => tell({ ask: "images", index: 0 }));
        else tell({ error: { name: "OptionError", message: "enough" } });
      },
      listen(onMessage: (message: never) => void) {
        tell = onMessage as typeof tell;
      },
      watch() {},
      terminate() {},
      hold() {},
    }),
    sendImage: async (): Promise<[unknown, Transferable[]]> => [{ close }, [{ close } as unknown as Transferable]],
  };
  await expect(quantizeInWorker(host, "model", ["a.jpg"])).rejects.toThrow("enough");
  expect(posted.at(-1)).toMatchObject({ kind: "picture", name: "a.jpg", error: { name: "DataCloneError" } });
  expect(close).toHaveBeenCalledOnce();
});

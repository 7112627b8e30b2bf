import { onAbort } from "../base/abort.js";
import { isKind } from "../base/kind.js";
import { WorkerError } from "../errors.js";
import type { EntryHost } from "../host/entry-host.js";
import type { LoadOptions, ModelSource, Progress } from "../options.js";
import { receiveError } from "./errors.js";
import type { WorkerHandle } from "./handle/handle.js";
import type { Answer, Facts, News, State } from "./messages.js";
import { sendSource } from "./source.js";

/** A worker that has not said a word by then is taken for one that cannot start. */
const HELLO_MS = 10_000;

/** A worker could not be had at all, as against one that failed. */
export class NoWorker extends Error {}

/** A worker in which a model is open. */
export type Connection = [worker: WorkerHandle, facts: Facts, state: State];

/** What a worker does from then on. */
export interface Listener {
  answered(answer: Answer): void;
  /** What lies in the mailbox will be answered in a moment. */
  expected(): void;
  /** It ended by itself. */
  lost(worker: WorkerHandle, reason: string): void;
}

/** Resolves when the model is open; tells how far it is. Rejects with `NoWorker` where no worker comes up, else with the load's error. */
export type Connect = (
  listener: Listener,
  signal?: AbortSignal | null,
  onProgress?: (progress: Progress) => void,
) => Promise<Connection>;

/** How a worker is started and a model opened there: again, where one was lost. */
export function connector(
  host: EntryHost,
  source: ModelSource,
  { worker: file, wasm, signal: _, onProgress: __, ...options }: LoadOptions,
): Connect {
  /** Why there is one thread, where the start of another never returned. */
  let note: string | undefined;
  const connect: Connect = async (listener, signal, onProgress) => {
    let worker: WorkerHandle;
    try {
      worker = host.startWorker(file && file !== "auto" ? file : undefined);
    } catch (cause) {
      throw new NoWorker((cause as Error).message);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let forget: (() => void) | undefined;
    try {
      const opened = new Promise<Connection>((resolve, reject) => {
        let met = false;
        timer = setTimeout(() => reject(new NoWorker(`no sign of life in ${HELLO_MS / 1000} s`)), HELLO_MS);
        forget = onAbort(signal, () => reject(signal!.reason));
        worker.listen(
          (news: News) => {
            if ("hello" in news) {
              met = true;
              clearTimeout(timer);
              if (news.lock) worker.watch(news.lock);
              if (news.starting) {
                timer = setTimeout(() => {
                  note = `starting a thread took over ${HELLO_MS / 1000} s`;
                  reject(note);
                  listener.lost(worker, note);
                }, HELLO_MS);
              }
            } else if ("progress" in news) {
              // The caller's code: what it throws is the load's end, not the process's.
              try {
                onProgress?.(news.progress);
              } catch (error) {
                onProgress = undefined;
                reject(error);
              }
            } else if ("soon" in news) listener.expected();
            else if (news.id !== 0) listener.answered(news);
            else if ("error" in news) reject(receiveError(news.error));
            else resolve([worker, news.value as Facts, news.state!]);
          },
          (reason) => {
            reject(met ? new WorkerError(`The worker stopped while loading (${reason}).`) : new NoWorker(reason));
            listener.lost(worker, reason);
          },
        );
      });
      opened.catch(() => {});
      worker.hold(true);
      const [sent, transfer] = await sendSource(source);
      const address = isKind(wasm, "URL", "String") ? host.absolute(`${wasm}`) : wasm;
      try {
        const sentOptions = { ...options, wasm: address, ...(note && { threads: 1 }) };
        worker.post({ id: 0, kind: "open", source: sent, options: sentOptions, watched: !!onProgress, note }, transfer);
      } catch (cause) {
        throw new NoWorker(`the source cannot be sent (${(cause as Error).message})`);
      }
      const connection = await opened;
      worker.hold(false);
      return connection;
    } catch (error) {
      worker.terminate();
      if (note && error === note) return connect(listener, signal, onProgress);
      throw error;
    } finally {
      clearTimeout(timer);
      forget?.();
    }
  };
  return connect;
}

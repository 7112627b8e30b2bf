import type { LoadOptions, ModelSource } from "../options.js";
import type { SessionInPlace } from "../session/session.js";
import type { WorkerHandle } from "../worker/handle/handle.js";

/** What a caller's code asks of a host, apart from what a session needs: a page has little of its own to load. */
export interface EntryHost {
  /** Opens a session in this thread. */
  readonly openInPlace: (source: ModelSource, options: LoadOptions, note?: string) => Promise<SessionInPlace>;
  /** Starts a worker that serves a session: the library's own file, or the one named. Throws where there can be none. */
  startWorker(file?: string | URL): WorkerHandle;
  /** A source or address that means the same in a worker: relative URLs are relative to the page. */
  absolute(address: string): string;
  /** An image in a form that can be sent to a worker, and what of it is transferred: never what is the caller's. */
  sendImage(image: unknown): Promise<[image: unknown, transfer: Transferable[]]>;
}

import type { Host } from "../host.js";
import { openInPlace, type Session } from "../session.js";
import { sendError } from "./errors.js";
import type { WorkerPort } from "./handle.js";
import type { Facts, News, Request, State } from "./messages.js";

/**
 * A worker's life: it opens one session and answers for it, in the order in which requests came. `lock`: see `holdLock`.
 */
export async function serveSession(port: WorkerPort, host: Host, lock?: Promise<string | undefined>): Promise<void> {
  const running = new Map<number, AbortController>();
  let session: Session | null = null;
  let told = "";

  const answer = async (request: Exclude<Request, { kind: "abort" }>, signal: AbortSignal) => {
    switch (request.kind) {
      case "open": {
        const onProgress = request.watched ? (progress: object) => port.post({ progress } as News) : undefined;
        session = await openInPlace(host, request.source, { ...request.options, signal, onProgress });
        const { inputShape, labels, preprocess } = session;
        return { inputShape, labels, preprocess } satisfies Facts;
      }
      case "run":
        return session!.run(request.input, signal);
      case "classify":
        return session!.classify(request.image, { ...request.options, signal });
      case "close":
        return session?.close();
    }
  };
  /** The state, where it is not what was sent last. */
  const news = (): { state?: State } => {
    if (!session) return {};
    const state: State = { plan: { stages: session.plan.stages, summary: session.plan.summary }, stats: session.stats };
    const text = JSON.stringify(state);
    if (text === told) return {};
    told = text;
    return { state };
  };

  port.listen(async (request: Request) => {
    const { id } = request;
    if (request.kind === "abort") {
      running.get(id)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const value = await answer(request, controller.signal);
      port.post({ id, value, ...news() } as News, value instanceof Float32Array ? [value.buffer as ArrayBuffer] : []);
    } catch (error) {
      port.post({ id, error: sendError(error), ...news() } satisfies News);
    } finally {
      running.delete(id);
    }
  });
  port.post({ hello: true, lock: await lock } satisfies News);
}

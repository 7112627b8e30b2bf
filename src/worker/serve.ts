import type { Host } from "../host.js";
import { openInPlace, type Session } from "../session.js";
import { elementCount } from "../tensor.js";
import { sendError } from "./errors.js";
import type { WorkerPort } from "./handle.js";
import { Mailbox, SHORT_MS } from "./mailbox.js";
import type { Facts, News, Request, State } from "./messages.js";

/** How long the next request is looked for after a short one. */
const WATCH_MS = 0.5;

/**
 * A worker's life: it opens one session and answers for it, in the order in which requests came. `lock`: see `holdLock`.
 */
export async function serveSession(port: WorkerPort, host: Host, lock?: Promise<string | undefined>): Promise<void> {
  const running = new Map<number, AbortController>();
  let mailbox: Mailbox | null | undefined;
  let spare: Float32Array | null = null;
  let session: Session | null = null;
  let told: State | null = null;

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
    const { plan, stats } = session;
    if (told?.plan.stages === plan.stages && isSame(told.stats, stats)) return {};
    told = { plan: { stages: plan.stages, summary: plan.summary }, stats };
    return { state: told };
  };

  const respond = async (request: Exclude<Request, { kind: "abort" }>, mailed = false) => {
    const { id } = request;
    const controller = new AbortController();
    const start = performance.now();
    running.set(id, controller);
    try {
      const value = await answer(request, controller.signal);
      if (request.kind !== "run") port.post({ id, value, ...news() } as News);
      else sendLogits(id, value as Float32Array, request.input, performance.now() - start < SHORT_MS, mailed);
    } catch (error) {
      port.post({ id, error: sendError(error), ...news() } satisfies News);
    } finally {
      running.delete(id);
    }
  };
  /** By the mailbox where the request came by it, the page still looks there, and all is as it was. */
  const sendLogits = (id: number, logits: Float32Array, input: Float32Array, short: boolean, mailed: boolean) => {
    const update = news();
    if (mailed && !update.state && mailbox?.answer.put(id, () => mailbox!.logits.set(logits))) spare = input;
    else {
      let offer: SharedArrayBuffer | undefined;
      if (mailbox === undefined && short && input.length === elementCount(session!.inputShape)) {
        mailbox = Mailbox.open(input.length, logits.length);
        offer = mailbox?.memory;
      }
      const transfer = [logits.buffer, input.buffer] as ArrayBuffer[];
      port.post({ id, value: logits, spare: input, mailbox: offer, ...update } as News, transfer);
    }
    if (short) mailbox?.request.watch(WATCH_MS, collect);
  };
  const collect = (id: number) => {
    // A copy: one that was aborted may be read for a while yet.
    const input = spare ?? new Float32Array(mailbox!.input.length);
    spare = null;
    input.set(mailbox!.input);
    respond({ kind: "run", id, input }, true);
  };

  port.listen((request: Request) => {
    mailbox?.request.look();
    if (request.kind === "abort") running.get(request.id)?.abort();
    else respond(request);
  });
  port.post({ hello: true, lock: await lock } satisfies News);
}

function isSame<T extends object>(a: T, b: T): boolean {
  return (Object.keys(b) as (keyof T)[]).every((key) => a[key] === b[key]);
}

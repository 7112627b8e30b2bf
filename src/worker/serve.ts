import { elementCount } from "../graph/tensor.js";
import type { Host } from "../host/host.js";
import type { Crop } from "../image/crop.js";
import { openInPlace } from "../session/open.js";
import type { Session } from "../session/session.js";
import { sendError } from "./errors.js";
import type { WorkerPort } from "./handle/handle.js";
import type { Mailbox } from "./mailbox.js";
import type { Facts, News, Request, State } from "./messages.js";

/** How long the next request is looked for after an answer. */
const WATCH_MS = 0.5;
/** How long the first run's answer may wait for code. */
const MAIL_MS = 1000;
const sleep = (ms: number) => new Promise<null>((resolve) => setTimeout(resolve, ms, null));

type Order = Exclude<Request, { kind: "abort" | "collect" }>;

/**
 * A worker's life: it opens one session and answers for it, in the order in which requests came. `lock`: see `holdLock`.
 */
export async function serveSession(port: WorkerPort, host: Host, lock?: Promise<string | undefined>): Promise<void> {
  const running = new Map<number, AbortController>();
  /** The code of mailboxes comes beside the first run: those who classify need none. Null where it does not come. */
  let mail: typeof import("./mailbox.js") | null | undefined;
  let coming: Promise<NonNullable<typeof mail> | null> | undefined;
  let mailbox: Mailbox | undefined;
  let spare: Float32Array | null = null;
  let session: Session | null = null;
  let told: State | null = null;
  /** Whether what is being answered lay in the mailbox. */
  let collected = false;

  const onNearlyDone = () => {
    if (collected) port.post({ soon: true } satisfies News);
  };
  const answer = async (request: Order, signal: AbortSignal | undefined) => {
    switch (request.kind) {
      case "open": {
        const onProgress = request.watched ? (progress: object) => port.post({ progress } as News) : undefined;
        session = await openInPlace(
          host,
          request.source,
          { ...request.options, signal, onProgress },
          request.note,
          onNearlyDone,
        );
        const { inputShape, labels, preprocess, assumed, embedding } = session;
        return { inputShape, labels, preprocess, assumed, embedding } satisfies Facts;
      }
      case "run":
        coming ??= Promise.race([import("./mailbox.js").catch(() => null), sleep(MAIL_MS)]);
        return session!.run(request.input, { signal });
      case "classify":
        return session!.classify(request.image, { ...request.options, signal });
      case "features":
        return session!.features(request.asked, signal);
      case "crop":
        return cropped(request, signal).finally(() => host.release?.(request.image));
      case "close":
        return session?.close();
    }
  };
  /** Nothing where this host reads such an image otherwise. */
  const cropped = async ({ image, spec, part }: Extract<Order, { kind: "crop" }>, signal: AbortSignal | undefined) => {
    const crops = () => host.crop?.(image, [spec], signal, part);
    // A worker's first image is left to others, who do without the code for it: this one is asked for twice.
    return ((await crops()) ?? (await crops()))?.[0] as Crop["crop"] | undefined;
  };
  /** The state, where it is not what was sent last. */
  const news = (): { state?: State } => {
    if (!session) return {};
    const { plan, stats, doubts } = session;
    if (told?.plan.stages === plan.stages && told.doubts === doubts && isSame(told.stats, stats)) return {};
    told = { plan: { stages: plan.stages, summary: plan.summary }, stats, doubts };
    return { state: told };
  };

  const respond = async (request: Order, mailed = false) => {
    const { id } = request;
    // What lay in the mailbox begins at once, and cannot be stopped then.
    const controller = mailed ? undefined : new AbortController();
    if (controller) running.set(id, controller);
    try {
      const value = await answer(request, controller?.signal);
      if (coming && mail === undefined) mail = await coming;
      const made = request.kind === "crop" ? (value as Crop["crop"] | undefined)?.buffer : undefined;
      if (request.kind !== "run") port.post({ id, value, ...news() } as News, made ? [made] : []);
      else sendLogits(id, value as Float32Array, request.input, mailed);
    } catch (error) {
      port.post({ id, error: sendError(error), ...news() } satisfies News);
    } finally {
      running.delete(id);
      collected = false;
    }
  };
  /** By the mailbox where the request lay in it, the page still looks there, and all is as it was. */
  const sendLogits = (id: number, logits: Float32Array, input: Float32Array, mailed: boolean) => {
    const update = news();
    if (mailed) {
      spare = input;
      mailbox!.logits.set(logits);
    }
    if (!mailed || update.state || !mailbox!.answer.put(id)) {
      let offer: SharedArrayBuffer | undefined;
      if (!mailbox && input.length === elementCount(session!.inputShape)) {
        mailbox = mail?.Mailbox.open(input.length, logits.length);
        offer = mailbox?.memory;
      }
      const sent = mailed ? { id, value: logits } : { id, value: logits, spare: input, mailbox: offer };
      const transfer = mailed ? [logits.buffer] : [logits.buffer, input.buffer];
      port.post({ ...sent, ...update } as News, transfer as ArrayBuffer[]);
    }
    mailbox?.request.watch(WATCH_MS, collect, mail!.BURST_MS);
  };
  const collect = (id: number) => {
    // A copy: one that was aborted may be read for a while yet.
    const input = spare ?? new Float32Array(mailbox!.input.length);
    spare = null;
    input.set(mailbox!.input);
    collected = true;
    respond({ kind: "run", id, input }, true);
  };

  port.listen((request: Request) => {
    mailbox?.request.look();
    if (request.kind === "abort") running.get(request.id)?.abort();
    else if (request.kind === "collect") collect(request.id);
    else respond(request);
  });
  port.post({ hello: true, lock: await lock } satisfies News);
}

function isSame<T extends object>(a: T, b: T): boolean {
  return (Object.keys(b) as (keyof T)[]).every((key) => a[key] === b[key]);
}

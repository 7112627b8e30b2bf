// A worker of the command: answers pictures on one thread of its own. Started by pool.ts.
import { workerData } from "node:worker_threads";
import { Stacking } from "../../cpu/stacked.js";
import { nodeHost } from "../../host/node.js";
import { stayAwake } from "../../host/stay-awake.js";
import { normalised } from "../../image/preprocess.js";
import { openInPlace } from "../../session/open.js";
import type { SessionInPlace } from "../../session/session.js";
import { sendError } from "../../worker/errors.js";
import { nodePort } from "../../worker/handle/node.js";
import { answerOne, isShare, prepare, type Wanted } from "./answering.js";
import type { Picture, Task, Word } from "./messages.js";
import { Stacks } from "./stacks.js";

const port = nodePort();
const post = (word: Word) => port.post(word);
const wanted = workerData as Wanted;

interface Opened {
  readonly session: SessionInPlace;
  readonly stacks: Stacks | null;
}

const opening = open();
// Before the model is open: Deno throws away what comes while nobody listens.
port.listen(async (task: Task) => {
  const opened = await opening;
  if ("rgb" in task) respond(opened, task);
  else opened.stacks?.finish();
});

async function open(): Promise<Opened> {
  try {
    const stacking = new Stacking((bytes) => post({ packing: bytes }));
    const session = await stayAwake(
      openInPlace(nodeHost, wanted.source, wanted.load, undefined, undefined, stacking.open),
    );
    prepare(session, wanted);
    const onPassed = () => post({ passed: true });
    // What a taught network answers takes more than its logits.
    const stacks =
      stacking.stack && session.none === undefined ? new Stacks(stacking.stack, session.scheduler, onPassed) : null;
    if (stacks) session.scheduler = stacks;
    const { preprocess, stats } = session;
    const depth = stacks?.depth ?? 1;
    post({ ready: { preprocess, isShare: isShare(session), bytes: stats.wasmBytes, depth } });
    return { session, stacks };
  } catch (error) {
    post({ refused: sendError(error) });
    // Its pictures go to others once it has ended.
    process.exit();
  }
}

async function respond({ session, stacks }: Opened, picture: Picture): Promise<void> {
  const { id } = picture;
  try {
    const input = stacks?.inputOf(picture, session.preprocess) ?? normalised(picture.rgb, session.preprocess);
    const answer = await answerOne(session, input, wanted, stacks?.tookOf);
    post({ id, answer, doubts: session.doubts });
  } catch (error) {
    post({ id, error: sendError(error) });
  }
  if (!stacks) post({ passed: true });
}

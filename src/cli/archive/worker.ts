// A worker of the command: answers pictures on one thread of its own. Started by pool.ts.
import { parentPort, workerData } from "node:worker_threads";
import { Stacking } from "../../cpu/stacked.js";
import { nodeHost } from "../../host/node.js";
import { stayAwake } from "../../host/stay-awake.js";
import { normalised } from "../../image/preprocess.js";
import { openInPlace } from "../../session/open.js";
import type { SessionInPlace } from "../../session/session.js";
import { sendError } from "../../worker/errors.js";
import { answerOne, isShare, prepare, type Wanted } from "./answering.js";
import type { Picture, Task, Word } from "./messages.js";
import { Stacks } from "./stacks.js";

const port = parentPort!;
const post = (word: Word) => port.postMessage(word);
const wanted = workerData as Wanted;

try {
  const stacking = new Stacking((bytes) => post({ packing: bytes }));
  const opening = openInPlace(nodeHost, wanted.source, wanted.load, undefined, undefined, stacking.open);
  const session = await stayAwake(opening);
  prepare(session, wanted);
  const onPassed = () => post({ passed: true });
  // What a taught network answers takes more than its logits.
  const stacks =
    stacking.stack && session.none === undefined ? new Stacks(stacking.stack, session.scheduler, onPassed) : null;
  if (stacks) session.scheduler = stacks;
  port.on("message", (task: Task) => {
    if ("rgb" in task) respond(session, stacks, task);
    else stacks?.finish();
  });
  const { preprocess, stats } = session;
  const depth = stacks?.depth ?? 1;
  post({ ready: { preprocess, isShare: isShare(session), bytes: stats.wasmBytes, depth } });
} catch (error) {
  post({ refused: sendError(error) });
}

async function respond(session: SessionInPlace, stacks: Stacks | null, picture: Picture): Promise<void> {
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

// A worker of the command: answers pictures on one thread of its own. Started by pool.ts.
import { parentPort, workerData } from "node:worker_threads";
import { nodeHost } from "../../host/node.js";
import { stayAwake } from "../../host/stay-awake.js";
import { openInPlace } from "../../session/open.js";
import type { SessionInPlace } from "../../session/session.js";
import { sendError } from "../../worker/errors.js";
import { answerOne, isShare, prepare, type Wanted } from "./answering.js";
import type { Picture, Word } from "./messages.js";

const port = parentPort!;
const post = (word: Word) => port.postMessage(word);
const wanted = workerData as Wanted;

try {
  const session = await stayAwake(openInPlace(nodeHost, wanted.source, wanted.load));
  prepare(session, wanted);
  port.on("message", (picture: Picture) => respond(session, picture));
  post({ ready: { preprocess: session.preprocess, isShare: isShare(session), bytes: session.stats.wasmBytes } });
} catch (error) {
  post({ refused: sendError(error) });
}

async function respond(session: SessionInPlace, { id, rgb }: Picture): Promise<void> {
  try {
    const answer = await answerOne(session, rgb, wanted);
    post({ id, answer, doubts: session.doubts });
  } catch (error) {
    post({ id, error: sendError(error) });
  }
}

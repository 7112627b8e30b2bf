import { nodeHost } from "../../host/node.js";
import { normalised } from "../../image/preprocess.js";
import { openInPlace } from "../../session/open.js";
import { type Answering, answerOne, isShare, prepare, type Wanted } from "./answering.js";

/** Few pictures: one session in this thread, with all threads on one picture. */
export async function openHere(wanted: Wanted): Promise<Answering> {
  const session = await openInPlace(nodeHost, wanted.source, wanted.load);
  try {
    prepare(session, wanted);
  } catch (error) {
    await session.close();
    throw error;
  }
  return {
    preprocess: session.preprocess,
    isShare: isShare(session),
    get doubts() {
      return session.doubts;
    },
    // Two are in flight where there are two devices.
    width: wanted.load.device === "gpu" ? 2 : 1,
    depth: 1,
    isStarving: false,
    answer: (rgb) => answerOne(session, normalised(rgb, session.preprocess), wanted),
    finish() {},
    close: () => session.close(),
  };
}

import type { WorkerHandle } from "../../src/worker/handle/handle.js";

/**
 * As `start`, of threads that are kept when they are terminated, and given out again. In a worker of Firefox, starting a thread after
 * another was terminated may never return. A thread that ended, or that owes an answer, is not kept: each post is answered once.
 */
export function keepThreads(start: () => WorkerHandle): () => WorkerHandle {
  const idle = new Set<WorkerHandle>();
  return () => {
    const [handle = start()] = idle;
    idle.delete(handle);
    let lives = true;
    let owed = 0;
    return {
      ...handle,
      post(message, transfer) {
        owed++;
        handle.post(message, transfer);
      },
      listen(onMessage, onEnd) {
        const answered = (message: never) => {
          owed--;
          onMessage(message);
        };
        handle.listen(answered, (reason) => {
          // It may end while nobody has it.
          idle.delete(handle);
          if (lives) onEnd(reason);
          lives = false;
        });
      },
      terminate() {
        if (!lives) return;
        lives = false;
        if (owed === 0) idle.add(handle);
        else handle.terminate();
      },
    };
  };
}

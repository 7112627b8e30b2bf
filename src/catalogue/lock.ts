import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { SourceError, throwIfAborted } from "../errors.js";
import { refuseOther } from "./ordinary.js";
import { pause } from "./pause.js";

/** How often an owner says that it lives. One that has not for `DEAD_MS` is dead, wherever it ran. */
const HEARTBEAT_MS = 20_000;
const DEAD_MS = 120_000;

/** One process at a time: the others wait. A lock whose owner has died is taken over. Returns how to unlock. */
export async function lock(file: string, signal: AbortSignal | null | undefined): Promise<() => Promise<void>> {
  for (;;) {
    throwIfAborted(signal);
    if (await create(file)) {
      const beat = setInterval(() => utimes(file, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
      beat.unref();
      return () => {
        clearInterval(beat);
        return rm(file, { force: true });
      };
    }
    await refuseOther(file);
    if (await isDead(file)) await removeDead(file);
    await pause(100, signal);
  }
}

/** Removing is guarded: of two that saw the same dead owner, the second would remove the first one's new lock. */
async function removeDead(file: string): Promise<void> {
  const guard = `${file}.guard`;
  await refuseOther(guard);
  if (await create(guard)) {
    if (await isDead(file)) await rm(file, { force: true });
    await rm(guard, { force: true });
  } else if (await isDead(guard)) await rm(guard, { force: true });
}

async function create(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${hostname()} ${process.pid}`, { flag: "wx" });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    // On a full disk it may be there, empty, and would hold up the next pull.
    await rm(file, { force: true }).catch(() => {});
    throw new SourceError(
      `${file} cannot be written: ${(cause as Error).message}. Set XDG_CACHE_HOME to a folder that can.`,
      { cause },
    );
  }
}

async function isDead(file: string): Promise<boolean> {
  const [host, pid] = (await readFile(file, "utf8").catch(() => "")).split(" ");
  if (host === hostname() && !isAlive(Number(pid))) return true;
  const found = await stat(file).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > DEAD_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process lives too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

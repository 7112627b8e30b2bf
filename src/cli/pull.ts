import { existsSync } from "node:fs";
import { sizeOf } from "../catalogue/catalogue.js";
import { catalogue, pull as pullCheckpoint, pulledFile } from "../catalogue/pulled.js";
import { OptionError } from "../errors.js";
import type { Options } from "./options.js";
import { complain, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { statusOf } from "./signals.js";
import { table } from "./table.js";

/** A terminal is not written to more often. */
const SHOW_EVERY_MS = 100;

/** Brings public checkpoints into the cache, or lists them. */
export async function pull(names: string[], options: Options): Promise<number> {
  if (options.list) return list(options.json === true);
  if (names.length === 0) throw new OptionError("pull takes the name of a checkpoint; --list shows them.");
  const mirror = mirrorOf(options);
  // The part that has come stays, for the next time.
  const interrupted = new AbortController();
  let status = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    status = statusOf(signal);
    interrupted.abort();
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  for (const name of names) {
    let shown = 0;
    try {
      const { file, sha256, checked, resumedFrom } = await pullCheckpoint(name, {
        mirror,
        signal: interrupted.signal,
        onProgress(loaded, total) {
          if (performance.now() - shown < SHOW_EVERY_MS) return;
          shown = performance.now();
          const share = total ? ` of ${mb(total)}, ${Math.floor((100 * loaded) / total)} %` : "";
          showProgress(`${name}: ${mb(loaded)}${share}`);
        },
        onRetry: (reason, waitMs) => showProgress(`${name}: ${reason}; again in ${(waitMs / 1000).toFixed(1)} s`),
      });
      showProgress("");
      if (options.json) sayJson({ name, file, sha256, checked, resumedFrom });
      else say(`${name}: ${file} (${checked})`);
    } catch (error) {
      showProgress("");
      if (!interrupted.signal.aborted) throw error;
      complain(`resnet-edge: ${name}: interrupted; pull again to go on from there.`);
      return status;
    }
  }
  return 0;
}

function mirrorOf({ from }: Options): string | undefined {
  const mirror = from ?? (process.env.RESNET_EDGE_MIRROR || undefined);
  if (mirror === undefined) return mirror;
  const found = /^https?:\/\/[^/]/.test(mirror) && URL.canParse(mirror) ? new URL(mirror) : null;
  if (found && (found.username || found.password))
    throw new OptionError("The mirror's URL has a user or password in it, which is not sent.");
  if (found) return mirror;
  throw new OptionError(`The mirror is "${mirror}"; it must be a URL such as https://mirror.example/models.`);
}

function list(json: boolean): number {
  if (json) {
    for (const entry of catalogue) {
      sayJson({ ...entry, bytes: sizeOf(entry).bytes, pulled: existsSync(pulledFile(entry)) });
    }
    return 0;
  }
  const rows = catalogue.map((entry) => [
    entry.name,
    `${entry.mebibytes === null ? "about " : ""}${mb(sizeOf(entry).bytes)}`,
    `${entry.top1.toFixed(1)} %`,
    entry.licence.split(";")[0]!,
    existsSync(pulledFile(entry)) ? "here" : "",
  ]);
  for (const line of table(["checkpoint", "size", "top 1", "licence", ""], rows)) say(line);
  say("All were trained on ImageNet, whose terms are for research. Preprocessing comes with the name.");
  return 0;
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

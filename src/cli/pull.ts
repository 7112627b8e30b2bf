import { existsSync } from "node:fs";
import { catalogue, pull as pullCheckpoint, pulledFile } from "../catalogue/pulled.js";
import { OptionError } from "../errors.js";
import type { Options } from "./options.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** Brings public checkpoints into the cache, or lists them. */
export async function pull(names: string[], options: Options): Promise<number> {
  if (options.list) return list(options.json === true);
  if (names.length === 0) throw new OptionError("pull takes the name of a checkpoint; --list shows them.");
  // The part that has come stays, for the next time.
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort(new Error("interrupted; pull again to go on from there")));
  for (const name of names) {
    const { file, checked } = await pullCheckpoint(name, {
      mirror: options.from ?? process.env.RESNET_EDGE_MIRROR,
      signal: interrupted.signal,
      onProgress: (loaded, total) =>
        showProgress(
          `${name}: ${mb(loaded)}${total ? ` of ${mb(total)}, ${Math.floor((100 * loaded) / total)} %` : ""}`,
        ),
    });
    showProgress("");
    process.stdout.write(
      options.json ? `${JSON.stringify({ name, file, checked })}\n` : `${name}: ${file} (checked: ${checked})\n`,
    );
  }
  return 0;
}

function list(json: boolean): number {
  if (json) {
    for (const entry of catalogue) {
      process.stdout.write(`${JSON.stringify({ ...entry, pulled: existsSync(pulledFile(entry)) })}\n`);
    }
    return 0;
  }
  const rows = catalogue.map((entry) => [
    entry.name,
    `about ${mb(entry.parameters * 4)}`,
    entry.top1 === null ? "" : `${entry.top1.toFixed(1)} %`,
    entry.licence.split(";")[0]!,
    existsSync(pulledFile(entry)) ? "here" : "",
  ]);
  process.stdout.write(`${table(["checkpoint", "size", "top 1", "licence", ""], rows).join("\n")}\n`);
  process.stdout.write(
    "All were trained on ImageNet, whose terms are for research. Preprocessing comes with the name.\n",
  );
  return 0;
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

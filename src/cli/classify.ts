import { availableParallelism } from "node:os";
import { OptionError } from "../errors.js";
import { prepareDecoder } from "../image/decode-node.js";
import { checkOptions } from "../session/check-options.js";
import type { Answering, Wanted } from "./archive/answering.js";
import { openHere } from "./archive/here.js";
import { classifyAll, type Done, type Times } from "./archive/pipeline.js";
import { Pool } from "./archive/pool.js";
import type { Result } from "./archive/result.js";
import { checkOutput, ResultsFile } from "./archive/results-file.js";
import { runOf } from "./archive/run-of.js";
import { sortInto } from "./archive/sort.js";
import { Summary } from "./archive/summary.js";
import { type ListedImage, listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { complain, reason, say, sayJson } from "./out.js";
import { ProgressBar, showProgress } from "./progress.js";
import { statusOf } from "./signals.js";

/** Fewer pictures for each core are done before several workers have loaded the model and made up for it. */
const FEW = 12;
/** Workers that are worth their memory. */
const MOST_WORKERS = 64;

/** Prints or writes the classes of images; an image that fails is reported, and the rest go on. */
export async function classify(names: string[], options: Options): Promise<number> {
  const topK = options["top-k"] === undefined ? 5 : number(options, "top-k");
  const minScore = options["min-score"] === undefined ? undefined : Number(options["min-score"]);
  if (Number.isNaN(minScore)) throw new OptionError(`--min-score is "${options["min-score"]}"; it must be a number.`);
  const mostErrors = options["max-errors"] === undefined ? Number.POSITIVE_INFINITY : number(options, "max-errors");
  if (options.link && options.sort === undefined) throw new OptionError("--link is of --sort DIR, which is not given.");
  if (options.output !== undefined) checkOutput(options.output, topK);
  const images = await listImages(names, { recursive: options.recursive });
  prepareDecoder();
  const wanted: Wanted = {
    source: modelOf(options),
    load: await loadOptions(options),
    ranked: { topK, minScore },
    logits: options.logits === true,
  };
  checkOptions(wanted.load);
  if (options.output === undefined)
    return (await classifyListed(images, images.length, wanted, options, mostErrors, null)).status;
  const run = await runOf(wanted);
  const file = await ResultsFile.open(options.output, images, run, topK, wanted.logits);
  let isWhole = false;
  try {
    const keep = (done: Done, error: Failure | null) => file.add(resultOf(done, error, run));
    const { status, summary, stopped } = await classifyListed(
      file.todo,
      images.length,
      wanted,
      options,
      mostErrors,
      keep,
    );
    isWhole = !stopped;
    if (options.json) sayJson(summary.report(file));
    else for (const line of summary.lines(file)) say(line);
    if (stopped) complain(`resnet-edge: ${stopped}; the same command goes on from there.`);
    return status || (file.failed > 0 ? 1 : 0);
  } finally {
    await file.close(isWhole);
  }
}

type Failure = { readonly name: string; readonly message: string };

interface Outcome {
  readonly status: number;
  readonly summary: Summary;
  /** Why it ended before the last picture; null where it did not. */
  readonly stopped: string | null;
}

/**
 * Classifies pictures in their order, of `all` with those that were done before: these decide who answers. `keep`: takes each where
 * results are kept; else they are printed.
 */
async function classifyListed(
  images: readonly ListedImage[],
  all: number,
  wanted: Wanted,
  options: Options,
  mostErrors: number,
  keep: ((done: Done, error: Failure | null) => Promise<void>) | null,
): Promise<Outcome> {
  const summary = new Summary();
  if (images.length === 0) return { status: 0, summary, stopped: null };
  const answering = await open(all, wanted);
  const interrupted = keep ? watchSignals() : null;
  // Beside results on the same terminal a bar would be in their way.
  const bar = keep || !process.stdout.isTTY ? new ProgressBar(images.length) : null;
  let stopped: string | null = null;
  try {
    for await (const done of classifyAll(images, answering, wanted)) {
      if (interrupted?.status) {
        stopped = "interrupted";
        break;
      }
      const error = "error" in done.result ? plainly(done.result.error) : null;
      summary.count(done, error);
      await sort(done, options);
      if (keep) await keep(done, error);
      else print(done, error, answering, options);
      bar?.step();
      if (!bar && summary.images < images.length) showProgress(`${summary.images} of ${images.length}`);
      if (summary.failed >= mostErrors && summary.images < images.length) {
        stopped = `stopped after ${summary.failed} errors`;
        break;
      }
    }
  } finally {
    bar?.stop();
    interrupted?.forget();
    showProgress("");
    for (const doubt of answering.doubts) complain(`doubt: ${doubt}`);
    await answering.close();
  }
  if (stopped && !keep) complain(`resnet-edge: ${stopped}.`);
  return { status: interrupted?.status || (summary.failed > 0 ? 1 : 0), summary, stopped };
}

/** Many pictures: a worker for each core, each on pictures of its own. */
async function open(images: number, wanted: Wanted): Promise<Answering> {
  const { threads = "auto", device } = wanted.load;
  const workers = Math.min(MOST_WORKERS, threads === "auto" ? availableParallelism() : threads);
  if (device !== "gpu" && images >= FEW * workers) {
    showProgress("loading the model");
    const pool = await Pool.open(wanted, workers);
    if (pool) return pool;
  }
  const onProgress: Wanted["load"]["onProgress"] = ({ phase, loaded, total }) =>
    showProgress(`${phase} ${total ? Math.floor((100 * loaded) / total) : 0} %`);
  return openHere({ ...wanted, load: { ...wanted.load, onProgress } });
}

/** Ends at the next picture; a second signal ends at once. */
function watchSignals() {
  const watch = {
    status: 0,
    forget: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (watch.status) process.exit(watch.status);
    watch.status = statusOf(signal);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return watch;
}

function plainly(error: unknown): Failure {
  const { name, message } = reason(error);
  return { name, message };
}

async function sort({ image, result, fetched }: Done, { sort, link }: Options): Promise<void> {
  if (sort === undefined || !("predictions" in result)) return;
  const [best] = result.predictions;
  if (best) await sortInto(sort, { image, label: best.label, bytes: fetched }, link === true);
}

function print({ image: { name }, result }: Done, error: Failure | null, answering: Answering, options: Options): void {
  showProgress("");
  if (error || !("predictions" in result)) {
    if (options.json) sayJson({ image: name, error });
    else complain(`${name}: ${error?.name}: ${error?.message}`);
    return;
  }
  const { predictions, logits, ms } = result;
  if (options.json) {
    sayJson({ image: name, predictions, ms: rounded(ms), ...(logits && { logits }) });
    return;
  }
  say(`${name}  (${ms.inference.toFixed(1)} ms)`);
  for (const { label, score } of predictions) {
    say(
      answering.isShare
        ? `  ${(100 * score).toFixed(1).padStart(5)} %  ${label}`
        : `  ${score.toFixed(4).padStart(9)}  ${label}`,
    );
  }
  if (logits) say(`  logits ${logits.map((value) => value.toFixed(4)).join(" ")}`);
}

function resultOf({ image, stamp, result }: Done, error: Failure | null, run: string): Result {
  if ("error" in result) return { image: image.name, stamp, run, ...(error && { error }) };
  const { predictions, logits, ms } = result;
  return { image: image.name, predictions, ms: rounded(ms), ...(logits && { logits }), stamp, run };
}

const rounded = ({ decode, preprocess, inference }: Times): Times => ({
  decode: ms3(decode),
  preprocess: ms3(preprocess),
  inference: ms3(inference),
});

function ms3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

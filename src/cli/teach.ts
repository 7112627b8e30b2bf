import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OptionError, SourceError } from "../errors.js";
import { nodeHost } from "../host/node.js";
import { prepareDecoder } from "../image/decode-node.js";
import { openInPlace } from "../session/open.js";
import { createTeacherOn } from "../teach/create.js";
import type { Evaluation, Labelled, TrainReport } from "../teach/kinds.js";
import { decodeListed, type ListedImage, listImages, readListed } from "./images.js";
import { loadOptions, modelOf, type Options } from "./options.js";
import { complain, reason, say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** Teaches a backbone the classes of a folder that has a folder for each, and writes the model. Exit status 1: pictures that failed. */
export async function teach(names: string[], options: Options): Promise<number> {
  const { output, model } = options;
  if (names.length !== 1) throw new OptionError("teach takes one folder, with a folder of pictures for each class.");
  if (output === undefined) throw new OptionError("teach needs --output FILE.safetensors.");
  const share = options.holdout === undefined ? 0 : Number(options.holdout);
  if (!(share >= 0 && share <= 0.9)) {
    throw new OptionError(`--holdout is "${options.holdout}"; it must be a share from 0 to 0.9.`);
  }
  const load = await loadOptions(options);
  const classes = await classesIn(names[0]!);
  prepareDecoder();
  const teacher = await createTeacherOn<unknown>(
    { ...nodeHost, open: (source, it) => openInPlace(nodeHost, source, it) },
    modelOf(options),
    // The backbone's own classes are not the taught ones.
    model === undefined ? load : { ...load, labels: undefined as never },
  );
  try {
    let failed = 0;
    // Any name of a folder is a key like others.
    const held: Record<string, unknown[]> = Object.create(null);
    const total = classes.reduce((sum, [, images]) => sum + images.length, 0);
    let done = 0;
    for (const [label, images] of classes) {
      const kept = Math.round(images.length * (1 - share));
      for (const [index, image] of images.entries()) {
        showProgress(`picture ${++done} of ${total}: ${image.name}`);
        try {
          // Spread over the folder, whose order may mean something.
          const taught = Math.floor(((index + 1) * kept) / images.length) > Math.floor((index * kept) / images.length);
          if (taught) await teacher.add(label, await decodeListed(image));
          else {
            // One that cannot be decoded is told here. It is not kept decoded.
            await decodeListed(image);
            const given = typeof image.path === "string" ? image.path : await readListed(image);
            held[label] = [...(held[label] ?? []), given];
          }
        } catch (error) {
          failed++;
          const { name, message } = reason(error);
          showProgress("");
          complain(`${image.name}: ${name}: ${message}`);
        }
      }
    }
    const report = await teacher.train({
      onProgress: ({ loaded, total: all }) => showProgress(`train ${loaded} of ${all}`),
    });
    showProgress("held out");
    const tried = Object.keys(held).length > 0 ? await teacher.evaluate(held as Labelled<unknown>) : null;
    await writeFile(output, await teacher.export());
    showProgress("");
    if (options.json) sayJson({ file: output, ...report, holdout: tried });
    else for (const line of lines(output, report, tried)) say(line);
    return failed > 0 ? 1 : 0;
  } finally {
    showProgress("");
    await teacher.close();
  }
}

/** The folders in a folder, by name, with their images. */
async function classesIn(folder: string): Promise<[label: string, images: ListedImage[]][]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new SourceError(`The folder ${folder} could not be read: ${(cause as Error).message}.`, { cause });
  });
  const labels = entries.filter((it) => it.isDirectory() && !it.name.startsWith(".")).map(({ name }) => name);
  if (labels.length < 2) {
    throw new OptionError(`${folder} has ${labels.length} folders; teach needs one for each class, two at least.`);
  }
  return Promise.all(
    labels.sort().map(async (label) => [label, await listImages([join(folder, label)])] as const as never),
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function lines(output: string, report: TrainReport, tried: Evaluation | null): string[] {
  const { labels, examples, accuracy, interval, confusion, misfits, threshold, notes } = report;
  const rows = labels.map((label, k) => [label, `${examples[k]}`, ...(confusion?.[k] ?? []).map(String)]);
  return [
    ...table(["class", "pictures", ...(confusion ? labels.map((label) => `as ${label}`) : [])], rows),
    "",
    ...(accuracy === null
      ? []
      : [
          `Cross-validated: ${percent(accuracy)} right, between ${percent(interval![0])} and ${percent(interval![1])} with 95 % certainty.`,
        ]),
    ...(tried
      ? [
          `Held out: ${percent(tried.accuracy)} of ${tried.count} right, between ${percent(tried.interval[0])} and ${percent(tried.interval[1])}; ${percent(tried.refused)} taken for none of the classes.`,
        ]
      : []),
    ...(misfits.length > 0
      ? [`${misfits.length} pictures look like another class; the surest is taken for ${misfits[0]!.predicted}.`]
      : []),
    ...(threshold === null ? [] : [`"none of these" below a cosine of ${threshold.toFixed(3)}.`]),
    ...notes,
    `Written to ${output}.`,
  ];
}

import { OptionError } from "../errors.js";
import { picture } from "../features/draw.js";
import { explain as explainImage } from "../features/explain.js";
import { nodeHost } from "../host/node.js";
import { openInPlace } from "../session/open.js";
import { decodeListed, listImages } from "./images.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";

/** Paints where in a picture the evidence for a class lies, and says which class it is. */
export async function explain(names: string[], options: Options): Promise<number> {
  const { output, method } = options;
  if (output === undefined) throw new OptionError("explain needs --output FILE.png.");
  const images = await listImages(names);
  const [image] = images;
  if (images.length !== 1) throw new OptionError(`explain takes one image; got ${images.length}.`);
  const given = await decodeListed(image!);
  const session = await openInPlace(nodeHost, modelOf(options), await loadOptions(options));
  try {
    session.checkClasses();
    const map = await explainImage(session, given, {
      ...(options.index === undefined ? {} : { index: number(options, "index", 0) }),
      ...(method === undefined ? {} : { method: method as "auto" }),
      onProgress: ({ loaded, total }) => showProgress(`hidden ${loaded} of ${total}`),
    });
    showProgress("");
    const { default: sharp } = await import("sharp");
    const pixels = given;
    const { width, height, channels } = pixels;
    const painted = picture(map, pixels);
    await sharp(painted, { raw: { width, height, channels: 3 } }).toFile(output);
    const { index, label, logit, bias } = map;
    const values = { height: map.height, width: map.width, values: Array.from(map.values) };
    if (options.json)
      sayJson({ image: image!.name, file: output, index, label, method: map.method, logit, bias, ...values });
    else
      say(`${image!.name}: ${label}, logit ${logit.toFixed(3)}; ${output} shows where (${channels ? map.method : ""})`);
    return 0;
  } finally {
    showProgress("");
    await session.close();
  }
}

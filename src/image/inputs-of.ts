import { throwIfAborted } from "../errors.js";
import type { ClassifyOptions, Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { type CropSpec, cropped, normalised } from "./preprocess.js";

type Part = Pick<ClassifyOptions, "region" | "rotation">;

/** What of a `Host` reads pictures. */
interface Reads {
  decode(image: unknown, signal: AbortSignal | null | undefined): Promise<Pixels>;
  crop?(
    image: unknown,
    specs: readonly CropSpec[],
    signal: AbortSignal | null | undefined,
    part?: Part,
  ): Promise<(Uint8Array | Uint8ClampedArray)[] | null>;
}

/**
 * An image, or a part of it, as each of `specs` has it: [3, height, width] f32 planes. `fast`: JPEGs may shrink while they are decoded.
 * `spare`: what the first of them may be written to: fresh memory takes longer than to fill it.
 */
export async function inputsOf(
  host: Reads,
  image: unknown,
  specs: readonly (Preprocess & Pick<CropSpec, "fast">)[],
  signal?: AbortSignal | null,
  part?: Part,
  spare?: Float32Array | null,
): Promise<Float32Array[]> {
  const input = (rgb: Uint8Array | Uint8ClampedArray, index: number) =>
    normalised(rgb, specs[index]!, index === 0 && spare?.length === rgb.length ? spare : undefined);
  const crops = await host.crop?.(image, specs, signal, part);
  throwIfAborted(signal);
  if (crops) return crops.map(input);
  let pixels = await host.decode(image, signal);
  throwIfAborted(signal);
  if (part) pixels = (await import("./part.js")).partOf(pixels, part);
  return specs.map((spec, index) => input(cropped(pixels, spec), index));
}

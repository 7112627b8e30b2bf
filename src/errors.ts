import { shown } from "./base/shown.js";

/** Base of every error that this library throws on purpose. `name` is stable; `message` says what was found and what to do. */
export class ResnetEdgeError extends Error {
  override name = "ResnetEdgeError";

  constructor(message = "", options?: ErrorOptions) {
    super(tidy(message), options);
  }
}

/** Names and reasons in a message are others': they are cut where they have no end, and shown in one line. */
function tidy(message: string): string {
  const cut = message.replace(/\S{500,}/g, (run) => `${run.slice(0, 100)}... (${run.length} characters)`);
  // A reason that ends in a full stop, before ours.
  return shown(cut.slice(0, 3000)).replace(/([^\s.])\.\.(?=\s|$)/g, "$1.");
}

/** The bytes are not a model file that can be read: truncated, damaged, an HTML page, a pickle with foreign globals. */
export class ModelFormatError extends ResnetEdgeError {
  override name = "ModelFormatError";
}

/** The file reads well but holds a network that is not in the ResNet family, or a variant that is not supported. */
export class UnsupportedModelError extends ResnetEdgeError {
  override name = "UnsupportedModelError";
}

/** A tensor or an input does not have the shape that the network needs. */
export class ShapeError extends ResnetEdgeError {
  override name = "ShapeError";
}

/** An answer has NaN or an infinity in it: it is none, and is never given for one. */
export class NumericError extends ResnetEdgeError {
  override name = "NumericError";
}

/** An image could not be decoded, or has no usable pixels. */
export class ImageDecodeError extends ResnetEdgeError {
  override name = "ImageDecodeError";
}

/** The device that was asked for is absent or failed; `device: "auto"` would have gone on without it. */
export class DeviceUnavailableError extends ResnetEdgeError {
  override name = "DeviceUnavailableError";
}

/** A GPUBuffer cannot be read by the session that it was given to: another device's, without COPY_SRC, destroyed, a worker's session. */
export class GpuInputError extends ResnetEdgeError {
  override name = "GpuInputError";
}

/** A file or URL could not be read at all: missing, unreachable, an HTTP error. */
export class SourceError extends ResnetEdgeError {
  override name = "SourceError";
}

/** WebAssembly could not be loaded, or its memory could not be had. */
export class WasmError extends ResnetEdgeError {
  override name = "WasmError";
}

/** A worker or a thread stopped while a request was in flight; the next request starts a new one. */
export class WorkerError extends ResnetEdgeError {
  override name = "WorkerError";
}

/** An option has a value outside of what it accepts. */
export class OptionError extends ResnetEdgeError {
  override name = "OptionError";
}

/** The classifier or model was closed before or during the call. */
export class ClosedError extends ResnetEdgeError {
  override name = "ClosedError";
}

/** Throws the signal's reason (an `AbortError` by default) once it is aborted. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new DOMException("The operation was aborted.", "AbortError");
}

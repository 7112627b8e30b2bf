import type * as errors from "../errors.js";
import {
  ClosedError,
  DeviceUnavailableError,
  GpuInputError,
  ImageDecodeError,
  ModelFormatError,
  NumericError,
  OptionError,
  ResnetEdgeError,
  ShapeError,
  SourceError,
  UnsupportedModelError,
  WasmError,
  WorkerError,
} from "../errors.js";

/** Every class by its name. Named one by one: an object of a whole module is longer by a getter each. */
const classes: Omit<typeof errors, "throwIfAborted"> = {
  ClosedError,
  DeviceUnavailableError,
  GpuInputError,
  ImageDecodeError,
  ModelFormatError,
  NumericError,
  OptionError,
  ResnetEdgeError,
  ShapeError,
  SourceError,
  UnsupportedModelError,
  WasmError,
  WorkerError,
};

/** An error as a message: structured clone keeps neither our classes nor their names. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  /** A system's, such as "ENOENT". */
  readonly code?: unknown;
  readonly cause?: SentError;
}

/** Causes of causes that are sent along. */
const DEPTH = 4;

/** Whatever was thrown, of whichever realm. */
export function sendError(error: unknown, depth = DEPTH): SentError {
  const isError = typeof error === "object" && error !== null && "message" in error;
  const { name, message, code, cause } = (isError ? error : new Error(String(error))) as Error & { code?: unknown };
  return {
    name: String(name),
    message: String(message),
    ...(typeof code === "string" && { code }),
    ...(cause !== undefined && depth > 0 && { cause: sendError(cause, depth - 1) }),
  };
}

export function receiveError({ name, message, code, cause }: SentError): Error {
  const options = cause && { cause: receiveError(cause) };
  if (Object.hasOwn(classes, name)) return new classes[name as keyof typeof classes](message, options);
  if (name === "AbortError") return new DOMException(message, name);
  return Object.assign(new Error(message, options), { name, ...(code !== undefined && { code }) });
}

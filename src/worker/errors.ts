import * as errors from "../errors.js";

/** An error as a message: structured clone keeps neither our classes nor their names. */
export interface SentError {
  readonly name: string;
  readonly message: string;
}

export function sendError(error: unknown): SentError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message };
}

export function receiveError({ name, message }: SentError): Error {
  const known = (errors as unknown as Record<string, new (message: string) => Error>)[name];
  if (known) return new known(message);
  if (name === "AbortError") return new DOMException(message, name);
  const error = new Error(message);
  error.name = name;
  return error;
}

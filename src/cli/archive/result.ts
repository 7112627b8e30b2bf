import type { Prediction } from "../../options.js";
import type { Times } from "./pipeline.js";
import type { Stamp } from "./stamp.js";

/** What a results file keeps of a picture. */
export interface Result {
  readonly image: string;
  readonly predictions?: readonly Prediction[];
  readonly logits?: readonly number[];
  readonly ms?: Times;
  readonly error?: { readonly name: string; readonly message: string };
  /** Its file as it was; null where there was none. */
  readonly stamp: Stamp | null;
  /** Which model and options answered: see `runOf`. */
  readonly run: string;
}

/** What a text file keeps of results: whole records, one after the other. */
export interface TextFormat {
  /** What the file begins with; empty where that is a record. */
  readonly head: string;
  /** Line ends within quotes belong to a field. */
  readonly isQuoted: boolean;
  /** With its line end. */
  write(result: Result): string;
  /** `text`: without its line end. Throws where it is no record. */
  read(text: string): Result;
  /** Whether a file's first record, which is cut off, may have been one of these. */
  canBegin(text: string): boolean;
}

/** What a person is told: what happened and what to do; and what was said of it, for whoever wants to know. */
export interface Friendly {
  readonly error: string;
  readonly detail: string;
  /** The options are where it is mended. */
  readonly options?: boolean;
}

const AGAIN = "The network stopped. Try once more; if that fails again, restart the browser.";
const NO_PICTURE = "This is no picture that can be read. JPEG, PNG, GIF, WebP and BMP are.";
const MODEL = "Your own model cannot be loaded. Choose another, or take the bundled one, in the options.";
const FORBIDDEN = "Browsers let no extension look into this page. Save the picture, and drop it here.";

const sentences: Readonly<Record<string, string>> = {
  ImageDecodeError: NO_PICTURE,
  NumericError: AGAIN,
  WasmError: AGAIN,
  WorkerError: AGAIN,
  ClosedError: AGAIN,
};

const ofModels = ["ModelFormatError", "UnsupportedModelError", "ShapeError", "OptionError", "SourceError"];

/** An error in plain words. What the extension itself says, it says plainly already. */
export function friendly(error: unknown): Friendly {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (ofModels.includes(name)) return { error: MODEL, detail: message, options: true };
  // Chromium's words, and Firefox's.
  if (/^Cannot access|cannot be scripted|Missing host permission|^The extensions gallery/.test(message)) {
    return { error: FORBIDDEN, detail: message };
  }
  const sentence = sentences[name];
  return sentence ? { error: sentence, detail: message } : { error: message, detail: "" };
}

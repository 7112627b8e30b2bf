/**
 * Text that may come from strangers, safe to show: control characters, line breaks, changes of direction and lone surrogates
 * are written out (`\n`, `\u001b`), so that a label can forge no line and a name can move no cursor.
 */
export function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_C}]/gu, (letter) =>
    letter === "\n" ? "\\n" : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

import type { FileHandle } from "node:fs/promises";
import { SourceError } from "../../errors.js";

const PIECE_BYTES = 1 << 20;
/** Of one record: 50,000 logits take a million. */
const MAX_RECORD_BYTES = 16 << 20;
const [LINE_END, RETURN, QUOTE] = [0x0a, 0x0d, 0x22];

/** A record of a text file, in bytes from its beginning. */
export interface FileRecord {
  /** Without its line end. */
  readonly text: string;
  readonly start: number;
  /** Behind its line end; null where the file ends within it. */
  readonly end: number | null;
}

/** The records of a text file. `isQuoted`: line ends within quotes end none. */
export async function* recordsOf(file: FileHandle, isQuoted: boolean, path: string): AsyncGenerator<FileRecord> {
  let rest: Buffer = Buffer.alloc(0);
  let start = 0;
  /** Of `rest`, how far it was looked through, and whether that ends within quotes. */
  let seen = 0;
  let inQuotes = false;
  for (let from = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, from);
    if (bytesRead === 0) break;
    from += bytesRead;
    rest = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
    let begin = 0;
    for (; seen < rest.length; seen++) {
      const byte = rest[seen];
      if (byte === QUOTE && isQuoted) inQuotes = !inQuotes;
      if (byte !== LINE_END || inQuotes) continue;
      const last = seen > begin && rest[seen - 1] === RETURN ? seen - 1 : seen;
      yield { text: rest.toString("utf8", begin, last), start: start + begin, end: start + seen + 1 };
      begin = seen + 1;
    }
    rest = rest.subarray(begin);
    seen -= begin;
    start += begin;
    if (rest.length > MAX_RECORD_BYTES) {
      throw new SourceError(`${path} has a line of more than ${MAX_RECORD_BYTES} bytes, which is no result.`);
    }
  }
  if (rest.length > 0) yield { text: rest.toString(), start, end: null };
}

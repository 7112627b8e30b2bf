import { SourceError } from "../../errors.js";
import { createParquet } from "../parquet-file.js";
import { type Column, resultOf } from "./columns.js";
import type { Result } from "./result.js";

/** Rows that are held at a time. */
const ROWS = 10_000;

const types = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  number: { type: "DOUBLE" },
  integer: { type: "INT64" },
} as const;

/** Writes a Parquet file whole or not at all. Fields that are empty are null. */
export async function writeParquet(
  path: string,
  columns: readonly Column[],
  results: AsyncIterable<Result>,
): Promise<void> {
  const fields = columns.map(({ name, kind }) => ({ name, repetition_type: "OPTIONAL" as const, ...types[kind] }));
  const file = await createParquet(path, fields, columns.length);
  let rows: Result[] = [];
  const put = async () => {
    const columnData = columns.map(({ name, kind, of }) => {
      const values = rows.map(of);
      return { name, data: kind === "integer" ? values.map((it) => (it === null ? null : BigInt(it))) : values };
    });
    await file.write(columnData);
    rows = [];
  };
  try {
    for await (const result of results) {
      rows.push(result);
      if (rows.length === ROWS) await put();
    }
    if (rows.length > 0) await put();
    await file.end();
  } finally {
    await file.abandon();
  }
}

/** The results of a Parquet file. Throws `SourceError` where it is none, or has other columns. */
export async function* readParquet(path: string, columns: readonly Column[]): AsyncGenerator<Result> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const file = await asyncBufferFromFile(path);
  const foreign = (why: string, cause?: unknown) =>
    new SourceError(`${path} is no Parquet file of results: ${why}. Name another --output, or remove it.`, { cause });
  const metadata = await parquetMetadataAsync(file).catch((cause) => {
    throw foreign((cause as Error).message, cause);
  });
  const names = metadata.schema.slice(1).map(({ name }) => name);
  if (names.join() !== columns.map(({ name }) => name).join()) {
    throw foreign("its columns are others, as with another --top-k or --logits");
  }
  const rows = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < rows; rowStart += ROWS) {
    const rowEnd = Math.min(rows, rowStart + ROWS);
    for (const row of await parquetReadObjects({ file, metadata, rowStart, rowEnd })) {
      const fields = Object.entries(row).map(
        ([name, value]) => [name, typeof value === "bigint" ? Number(value) : value] as const,
      );
      yield resultOf(new Map(fields));
    }
  }
}

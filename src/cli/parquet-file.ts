import { open, rename, rm } from "node:fs/promises";
import type { ColumnSource, SchemaElement } from "hyparquet-writer";

/** A Parquet file on its way. */
export interface ParquetFile {
  /** Writes a group of rows: for each column its values. */
  write(columnData: readonly ColumnSource[]): Promise<void>;
  /** The file has its name from here on. */
  end(): Promise<void>;
  /** Removes what was written of a file that did not end. */
  abandon(): Promise<void>;
}

/** Writes a Parquet file whole or not at all: beside its name until it ends. `columns` are the schema below its root, of `count` columns. */
export async function createParquet(
  path: string,
  columns: readonly SchemaElement[],
  count: number,
): Promise<ParquetFile> {
  const { fileWriter, ParquetWriter } = await import("hyparquet-writer");
  const part = `${path}.part`;
  const schema = [{ name: "root", num_children: count }, ...columns];
  const writer = new ParquetWriter({ writer: fileWriter(part), schema });
  let ended = false;
  return {
    async write(columnData) {
      await writer.write({ columnData: [...columnData], rowGroupSize: columnData[0]!.data.length });
    },
    async end() {
      await writer.finish();
      const file = await open(part, "r+");
      await file.sync();
      await file.close();
      await rename(part, path);
      ended = true;
    },
    async abandon() {
      if (!ended) await rm(part, { force: true });
    },
  };
}

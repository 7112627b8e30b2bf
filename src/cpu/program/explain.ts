import { Field, Kernel, Tile } from "../../../assembly/shared/record.js";
import type { Program } from "./program.js";

/** Words of a record whose numbers are those of an enum. */
const enums: Readonly<Partial<Record<Field, Readonly<Record<number, string>>>>> = {
  [Field.kernel]: Kernel,
  [Field.tile]: Tile,
};

/** The words of a record, as `execute` in assembly/interpreter/program.ts reads them; `scalar` is an f32. */
const show = (field: Field, word: number) =>
  enums[field]?.[word] ?? (field === Field.scalar ? `${new Float32Array(Int32Array.of(word).buffer)[0]}` : `${word}`);

/**
 * A compiled program as text, a line a record: its stage, the operation's name, the kernel, and every word that is not zero, by
 * the name of its field. For tests and readers of a program; no page imports it.
 */
export function explain(program: Pick<Program, "records" | "steps">): string {
  const lines = program.steps.map(({ stage, name, kernel }, index) => {
    const words = program.records.subarray(index * Field.size, (index + 1) * Field.size);
    const shown = [...words.entries()].filter(([field, word]) => word !== 0 || field === Field.tile);
    const named = shown.map(([field, word]) => `${Field[field]}=${show(field, word)}`);
    return `${stage} ${name} ${kernel}: ${named.join(" ")}`;
  });
  return `${lines.join("\n")}\n`;
}

import { type Column, resultOf } from "./columns.js";
import type { TextFormat } from "./result.js";

/** RFC 4180: fields with a comma, a quote or a line end stand in quotes, a quote in them is doubled, and lines end in CR LF. */
export function csv(columns: readonly Column[]): TextFormat {
  const names = columns.map(({ name }) => name);
  const head = lineOf(names);
  return {
    head,
    isQuoted: true,
    write: (result) => lineOf(columns.map(({ of }) => of(result))),
    read(text) {
      const fields = fieldsOf(text);
      if (fields.length !== names.length) throw new Error(`It has ${fields.length} fields, not ${names.length}.`);
      return resultOf(new Map(names.map((name, index) => [name, fields[index]!])));
    },
    canBegin: (text) => head.startsWith(text),
  };
}

function lineOf(fields: readonly (string | number | null)[]): string {
  return `${fields.map(field).join(",")}\r\n`;
}

function field(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The fields of one record. Throws where a quote is not closed. */
export function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= record.length; at++) {
    let text = "";
    if (record[at] === '"') {
      for (;;) {
        const end = record.indexOf('"', at + 1);
        if (end < 0) throw new Error("It has a quote without an end.");
        text += record.slice(at + 1, end);
        at = end + 1;
        if (record[at] !== '"') break;
        text += '"';
      }
    } else {
      const comma = record.indexOf(",", at);
      const end = comma < 0 ? record.length : comma;
      text = record.slice(at, end);
      at = end;
    }
    if (at < record.length && record[at] !== ",") throw new Error("It has text behind a quote.");
    fields.push(text);
  }
  return fields;
}

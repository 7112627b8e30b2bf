import { describe, expect, test } from "vitest";
import { FORMAT, readSaved } from "../../src/bench/saved.js";
import { ModelFormatError } from "../../src/errors.js";

const configuration = { name: "1 thread", median: 20, low: 19, high: 22 };
const network = { name: "resnet18", input: [224, 224], configurations: [configuration] };
const summary = {
  device: "a phone",
  runtime: "Chrome 140",
  date: "2026-11-29T12:00:00Z",
  version: "0.1.0",
  networks: [network],
};
const saved = { format: FORMAT, summary };
const text = (changes: object) => JSON.stringify({ ...saved, ...changes });
const inNetwork = (changes: object) => text({ summary: { ...summary, networks: [{ ...network, ...changes }] } });
const inConfiguration = (changes: object) => inNetwork({ configurations: [{ ...configuration, ...changes }] });

test("a report, however it is laid out, and several, one a line", () => {
  expect(readSaved(text({}), "a.json")).toEqual([summary]);
  expect(readSaved(JSON.stringify(saved, null, 2), "a.json")).toEqual([summary]);
  expect(readSaved(`${text({})}\n${text({})}\n`, "a.json")).toEqual([summary, summary]);
});

test("members that it does not know are passed over", () => {
  expect(readSaved(text({ more: { deep: [1] } }), "a.json")).toEqual([summary]);
  expect(readSaved(inConfiguration({ more: 1 }), "a.json")).toEqual([summary]);
});

describe("all else is refused by name", () => {
  test.each([
    ["nothing", "", /not JSON/],
    ["no JSON", "{", /not JSON/],
    ["a list", "[]", /it is no object/],
    ["a picture", "\x89PNG\r\n\x1a\n", /not JSON/],
    ["another format", text({ format: "resnet-edge bench page 1" }), /its format is "resnet-edge bench page 1"/],
    ["no format", text({ format: null }), /its format is none/],
    ["no summary", text({ summary: undefined }), /its summary is no object/],
    ["a name without end", inNetwork({ name: "x".repeat(201) }), /name is no text/],
    ["a date that is none", text({ summary: { ...summary, date: "yesterday" } }), /date is none/],
    ["networks that are none", text({ summary: { ...summary, networks: "many" } }), /networks is no list/],
    [
      "thousands of networks",
      text({ summary: { ...summary, networks: Array(65).fill(network) } }),
      /no list of at most 64/,
    ],
    ["an input of nothing", inNetwork({ input: [] }), /height is no number/],
    ["a negative time", inConfiguration({ median: -1 }), /median is no number/],
    ["a time as text", inConfiguration({ low: "19" }), /low is no number/],
    ["an endless time", inConfiguration({ high: 1e300 }), /high is no number/],
    ["a median beside its interval", inConfiguration({ low: 21 }), /outside of its interval/],
    ["a member twice", `{"format":"${FORMAT}","format":"${FORMAT}"}`, /twice/],
    ["deeper than any", "[".repeat(1e5), /nested|not JSON/],
    ["more lines than any", `${text({})}\n`.repeat(65), /65 lines/],
  ])("%s", (_, source, message) => {
    const read = () => readSaved(source, "a.json");
    expect(read).toThrow(ModelFormatError);
    expect(read).toThrow(message);
    expect(read).toThrow(/a\.json/);
  });
});

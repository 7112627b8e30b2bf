import { expect, test } from "vitest";
import { command } from "../cli/command.js";

// A promise of the bench: what is entered twice under two names is never told apart, on whatever machine this is.
test("twenty runs of one configuration under two names never crown a winner", async () => {
  const found: (string | null)[] = [];
  for (let run = 0; run < 20; run++) {
    const words = ["bench", "--arch", "resnet20", "--runs", "3", "--threads", "1", "--rounds", "20", "--json"];
    const { stdout } = await command(...words, "--compare", "name=one", "--compare", "name=other");
    found.push(JSON.parse(stdout).comparison.verdict.winner);
  }
  expect(found).toEqual(Array(20).fill(null));
}, 1_200_000);

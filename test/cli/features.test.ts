import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { root } from "../built.js";
import { command } from "./command.js";

const photo = fileURLToPath(new URL("examples/photos/cat.jpg", root));

test.each([
  [["embed", photo], "embed needs --output FILE.npy or FILE.jsonl"],
  [["embed", photo, "--output", "v.csv"], "its name must end in .npy or .jsonl"],
  [["embed", "--output", "v.npy"], "at least one image"],
  [["embed", photo, "--output", "v.npy", "--top-k", "3"], "embed takes no --top-k"],
  [["explain", photo], "explain needs --output FILE.png"],
  [["explain", photo, photo, "--output", "w.png"], "explain takes one image; got 2"],
  [["explain", photo, "--output", "w.png", "--index", "-1"], "index"],
  [["explain", photo, "--output", "w.png", "--index", "110"], "below 110"],
  [["teach", "examples", "--output", "t.safetensors", "--holdout", "1"], "it must be a share from 0 to 0.9"],
  [["teach", "examples"], "teach needs --output FILE.safetensors"],
  [["teach", "models", "--output", "t.safetensors"], "teach needs one for each class"],
  [["teach", "a", "b", "--output", "t.safetensors"], "teach takes one folder"],
  [["explain", photo, "--output", "w.png", "--method", "gradient"], 'method is "gradient"'],
])("%j is a usage error", async (words, message) => {
  const result = await command(...words);
  expect(result.stderr).toContain(message);
  expect(result.code).toBe(2);
});

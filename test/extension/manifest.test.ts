import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { friendly } from "../../examples/extension/friendly.js";
import { firefoxManifest } from "../../scripts/extension.mjs";
import { root } from "../built.js";

const manifest = JSON.parse(readFileSync(new URL("examples/extension/manifest.json", root), "utf8"));

// MDN, "background", "browser_specific_settings"; Extension Workshop, "Firefox built-in consent for data collection".
test("Firefox's manifest: an event page, an id, and what is collected; no key of Chromium's alone", () => {
  const { background, browser_specific_settings, ...rest } = firefoxManifest(manifest);
  expect(background).toEqual({ scripts: ["background.js"], type: "module" });
  const { id, strict_min_version, data_collection_permissions } = browser_specific_settings.gecko;
  // As an address of mail, of at most 80 letters.
  expect(id).toMatch(/^[\w.-]{1,40}@[\w.-]{1,39}$/);
  expect(Number.parseInt(strict_min_version, 10)).toBeGreaterThanOrEqual(140);
  expect(data_collection_permissions).toEqual({ required: ["none"] });
  expect(Object.keys(rest).sort()).toEqual(
    [
      "action",
      "content_security_policy",
      "description",
      "icons",
      "manifest_version",
      "name",
      "options_ui",
      "permissions",
      "version",
    ].sort(),
  );
  // A store's limits.
  expect(manifest.name.length).toBeLessThanOrEqual(45);
  expect(manifest.description.length).toBeLessThanOrEqual(132);
});

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

test.each([
  [named("ImageDecodeError", "a.png has no known format"), /^This is no picture/, "a.png has no known format"],
  [named("WasmError", "out of memory"), /Try once more/, "out of memory"],
  [
    named("ModelFormatError", "a.bin is not a weights file"),
    /Your own model cannot be loaded.*options/,
    "a.bin is not a weights file",
  ],
  [
    named("Error", "Cannot access a chrome:// URL"),
    /no extension look into this page/,
    "Cannot access a chrome:// URL",
  ],
  [
    named("Error", "Missing host permission for the tab"),
    /no extension look into this page/,
    "Missing host permission for the tab",
  ],
  [named("Error", "There is no picture on this page."), /^There is no picture on this page\.$/, ""],
  ["a word", /^a word$/, ""],
])("%s is said plainly", (error, sentence, detail) => {
  expect(friendly(error).error).toMatch(sentence);
  expect(friendly(error).detail).toBe(detail);
});

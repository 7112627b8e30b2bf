import { win32 } from "node:path";
import { expect, test } from "vitest";
import { pathOf } from "../../src/host/regular-file.js";

test.each([
  ["file:///C:/models/net.safetensors", "C:\\models\\net.safetensors"],
  ["file:///C:/my%20models/caf%C3%A9.pth", "C:\\my models\\café.pth"],
  ["file://server/share/net.pth", "\\\\server\\share\\net.pth"],
  ["C:\\models\\net.pth", "C:\\models\\net.pth"],
])("%s is a path of Windows", (source, path) => {
  expect(pathOf(source, true)).toBe(path);
  expect(win32.isAbsolute(path)).toBe(true);
});

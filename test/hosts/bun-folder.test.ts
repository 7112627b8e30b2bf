import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { listImages } from "../../src/cli/images.js";

vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof import("node:fs/promises")>();
  return { ...fs, readdir: vi.fn(fs.readdir) };
});

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-folder-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a folder is the same where the host lists names as bytes and no kinds, as Bun does", async () => {
  mkdirSync(join(folder, "inner"));
  for (const name of ["b.jpg", "a.png", "grün.jpg", "text.txt", "inner/c.jpg"]) writeFileSync(join(folder, name), "");
  // Names that are no UTF-8 are Linux's alone.
  if (process.platform === "linux") writeFileSync(Buffer.from(`${folder}/b\xe9d.jpg`, "latin1"), "");
  symlinkSync(join(folder, "a.png"), join(folder, "link.png"));
  symlinkSync(folder, join(folder, "circle"));
  symlinkSync(join(folder, "none"), join(folder, "nowhere.jpg"));
  const list = () => listImages([folder, join(folder, "*.jpg")], { recursive: true });
  const expected = await list();
  expect(expected.length).toBeGreaterThan(6);
  const { readdir: real } = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
  vi.mocked(readdir).mockImplementation((async (path: string) => real(path, { encoding: "buffer" })) as never);
  expect(await list()).toEqual(expected);
});

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { download } from "../../src/catalogue/download.js";
import { ModelFormatError } from "../../src/errors.js";
import { mirrors } from "./mirrors.js";
import { misbehave } from "./server.js";

const body = Buffer.from(Float32Array.from({ length: 500_000 }, (_, at) => Math.sin(at)).buffer);
const sha256 = createHash("sha256").update(body).digest("hex");
/** Beyond what is stated, this much may be written. */
const SLACK = 1e6;

test.each(mirrors)(
  "$kind",
  async ({ behaviours, error }) => {
    const folder = await mkdtemp(join(tmpdir(), "mirror-"));
    const target = join(folder, "models", "a.pth");
    const server = await misbehave(body, ...behaviours);
    let most = 0;
    const watch = setInterval(async () => {
      for (const name of await readdir(dirname(target)).catch(() => [])) {
        most = Math.max(most, (await stat(join(dirname(target), name)).catch(() => null))?.size ?? 0);
      }
    }, 5);
    const checkLength = (bytes: number) => {
      if (bytes !== body.length) throw new ModelFormatError(`it has ${bytes} bytes.`);
    };
    const pulled = download(`${server.origin}/a.pth`, target, {
      ...{ sha256, checkLength, mostBytes: body.length + SLACK, backoffMs: 1, silenceMs: 400, attempts: 3 },
      onProgress: (loaded) => {
        most = Math.max(most, loaded);
      },
    });
    if (error === null) {
      await pulled;
      expect(await readdir(dirname(target))).toEqual(["a.pth"]);
      expect(body.equals(await readFile(target))).toBe(true);
    } else {
      await expect(pulled).rejects.toMatchObject(error);
      const left = await readdir(dirname(target));
      expect(left).not.toContain("a.pth");
      expect(left).not.toContain("a.pth.lock");
      // What is wrong is not kept; what broke off may be gone on with.
      if (error.name === "ModelFormatError") expect(left).toEqual([]);
    }
    clearInterval(watch);
    server.close();
    expect(most).toBeLessThanOrEqual(body.length + SLACK);
    await rm(folder, { recursive: true });
  },
  30_000,
);

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const execute = promisify(execFile);

/** Packages with the versions of TypeScript that docs/embedding.md states. */
const versions = { "5.7": "typescript-5.7", "5.9": "typescript-5.9", "7": "typescript" };
/** With "bundler" a program for Node names its condition itself. */
const settings = [
  { module: "node16", resolution: "node16" },
  // As node16, but for what newer Nodes can do.
  ...(process.env.FULL ? [{ module: "nodenext", resolution: "nodenext" }] : []),
  { module: "esnext", resolution: "bundler" },
];
const programs = {
  page: { lib: ["es2023", "dom", "dom.iterable"], types: [] as string[], conditions: [] as string[] },
  node: { lib: ["es2023"], types: ["node"], conditions: ["node"] },
};

let folder: string;

/** A project with the package as it is published, as far as the compiler reads it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resnet-edge-types-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "resnet-edge", "dist"), { recursive: true });
  await mkdir(join(modules, "@types"));
  await cp(join(root, "package.json"), join(modules, "resnet-edge", "package.json"));
  await cp(join(root, "dist", "types"), join(modules, "resnet-edge", "dist", "types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"])
    await symlink(join(root, "node_modules", name), join(modules, name));
  await cp(fileURLToPath(new URL("programs", import.meta.url)), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(Object.entries(versions))("TypeScript %s", (version, compiler) => {
  // Older compilers take ten seconds a program: the other setting with npm run test:full.
  const wanted = process.env.FULL || version === "7" ? settings : settings.slice(0, 1);
  const cases = wanted.flatMap((setting) => Object.keys(programs).map((name) => ({ ...setting, name })));
  test.each(cases)("$name with module $module and resolution $resolution", async ({ module, resolution, name }) => {
    const { lib, types, conditions } = programs[name as keyof typeof programs];
    const config = join(folder, `${name}-${version}-${module}.json`);
    const compilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: false, target: "es2022" },
      ...{ module, moduleResolution: resolution, lib, types },
      ...(resolution === "bundler" && conditions.length > 0 ? { customConditions: conditions } : {}),
    };
    await writeFile(config, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
    const tsc = join(root, "node_modules", compiler, "bin", "tsc");
    const errors = await execute(process.execPath, [tsc, "-p", config]).then(
      () => "",
      (error: { stdout: string; message: string }) => error.stdout || error.message,
    );
    expect(errors).toBe("");
  });
});

import { defineConfig } from "vitest/config";

// Minutes long, in need of gigabytes, or of browsers beside Chromium: npm run test:full, npm run test:matrix.
const exclude = ["**/node_modules/**", ...(process.env.FULL ? [] : ["test/full/**", "test/matrix/**"])];

/** They compare times: one at a time, when nothing else runs. */
const alone = [
  "test/browser/start.test.ts",
  "test/full/**/*.test.ts",
  "test/kiosk/kiosk.test.ts",
  "test/matrix/**/*.test.ts",
  "test/schedule/**/*.test.ts",
  "test/worker/chromium.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Node 20 knows relaxed SIMD, behind a flag; without it half of the kernels would go untested.
    execArgv: ["--experimental-wasm-relaxed-simd"],
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: [...exclude, ...alone],
          // Two keep two cores busy; a third goes on while one of them waits for a browser, a server or a process.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: alone, exclude, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Minutes long, in need of gigabytes, or of browsers beside Chromium: npm run test:full, npm run test:matrix.
    exclude: ["**/node_modules/**", ...(process.env.FULL ? [] : ["test/full/**", "test/matrix/**"])],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Node 20 knows relaxed SIMD, behind a flag; without it half of the kernels would go untested.
    execArgv: ["--experimental-wasm-relaxed-simd"],
  },
});

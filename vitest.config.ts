import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Minutes long, or in need of gigabytes: npm run test:full.
    exclude: process.env.FULL ? [] : ["test/full/**", "**/node_modules/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Node 20 knows relaxed SIMD, behind a flag; without it half of the kernels would go untested.
    execArgv: ["--experimental-wasm-relaxed-simd"],
  },
});

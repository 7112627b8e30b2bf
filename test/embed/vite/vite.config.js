export default {
  build: { target: "es2022" },
  worker: { format: "es" },
  // Vite's dev server must leave the library's workers and kernels where they are.
  optimizeDeps: { exclude: ["resnet-edge"] },
};

export default {
  mode: "production",
  entry: "./main.js",
  output: { module: true, filename: "main.js", path: `${import.meta.dirname}/out`, publicPath: "auto" },
  experiments: { outputModule: true },
};

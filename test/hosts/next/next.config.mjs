// On the server the package is taken as it is installed, for it starts workers and reads files beside itself.
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));

export default {
  serverExternalPackages: ["resnet-edge"],
  distDir: process.env.NEXT_OUT ?? ".next",
  outputFileTracingRoot: workspace,
  turbopack: { root: workspace },
};

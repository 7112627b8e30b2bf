export default {
  rootDir: "..",
  testMatch: ["<rootDir>/jest/suite.mjs"],
  testEnvironment: "jsdom",
  // jsdom has no fetch and starts no workers: Node's build.
  testEnvironmentOptions: { customExportConditions: ["node", "import"] },
  transform: {},
};

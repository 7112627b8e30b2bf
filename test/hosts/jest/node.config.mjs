export default {
  rootDir: "..",
  testMatch: ["<rootDir>/jest/suite.mjs"],
  testEnvironment: "node",
  transform: {},
  haste: { enableSymlinks: false },
};

// Preloaded into a command: writes what it took to descriptor 3 as it ends.
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(3, JSON.stringify({ ms: Math.round((userCPUTime + systemCPUTime) / 1000), peak: 1024 * maxRSS }));
});

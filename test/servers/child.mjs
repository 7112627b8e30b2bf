// Serves the folder that it is given, and tells its port; answers a message with the memory that it holds.
import { serve } from "../../scripts/serve.mjs";

const reports = [];
const { port } = await serve({ folder: process.argv[2], port: 0, onReport: (line) => reports.push(line) });
process.on("message", () => process.send({ bytes: process.memoryUsage().rss, reports: reports.splice(0) }));
process.send({ port });

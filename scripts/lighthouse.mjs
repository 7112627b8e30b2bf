// What Lighthouse says of the playground on a plain static host: npm run site:lighthouse -- [--times N]
// Lighthouse is no dependency of this project: npx fetches it, or LIGHTHOUSE names its command.
import { execFile } from "node:child_process";
import { parseArgs, promisify } from "node:util";
import { buildPlayground } from "./playground.mjs";
import { serve } from "./serve.mjs";

const { values } = parseArgs({ options: { times: { type: "string", default: "3" } } });
const LEAST = 95;
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const [command, first] = process.env.LIGHTHOUSE ? [process.env.LIGHTHOUSE, []] : ["npx", ["--yes", "lighthouse@12"]];

const server = await serve({ folder: await buildPlayground(), port: 0 });

async function run() {
  const options = [
    `http://127.0.0.1:${server.port}/`,
    ...["--output=json", "--quiet", "--only-categories=performance,accessibility"],
    "--chrome-flags=--headless=new --no-sandbox --disable-quic --no-first-run",
  ];
  const { stdout } = await promisify(execFile)(command, [...first, ...options], {
    env: { ...process.env, CHROME_PATH: chromium },
    maxBuffer: 64 << 20,
  });
  const { categories, audits } = JSON.parse(stdout);
  const shown = (name) => `${name.replaceAll("-", " ")} ${audits[name].displayValue}`;
  const scores = Object.values(categories).map(({ title, score }) => ({ title, score: Math.round(100 * score) }));
  const names = [
    "first-contentful-paint",
    "largest-contentful-paint",
    "total-blocking-time",
    "cumulative-layout-shift",
  ];
  console.log(`${scores.map(({ title, score }) => `${title} ${score}`).join(", ")}; ${names.map(shown).join(", ")}`);
  for (const { startTime, duration, url } of audits["long-tasks"]?.details?.items ?? []) {
    console.log(`  ${duration.toFixed(0)} ms at ${startTime.toFixed(0)} ms: ${url}`);
  }
  return scores;
}

const runs = [];
for (let time = 0; time < Number(values.times); time++) runs.push(await run());
server.close();
const medians = runs[0].map(({ title }, index) => {
  const scores = runs.map((scores) => scores[index].score).sort((a, b) => a - b);
  return { title, score: scores[scores.length >> 1] };
});
console.log(`median: ${medians.map(({ title, score }) => `${title} ${score}`).join(", ")}`);
if (medians.some(({ score }) => score < LEAST)) process.exitCode = 1;

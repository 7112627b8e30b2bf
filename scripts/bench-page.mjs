// Builds the bench page and serves it, to this machine and to phones beside it: npm run bench:page -- --https
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildPage, folder } from "../bench/page/build.mjs";
import { headers } from "../bench/page/policy.mjs";
import { selfSigned } from "../bench/page/self-signed.mjs";
import { EVERYWHERE, networkAddresses, serve } from "./serve.mjs";

const usage = `npm run bench:page -- [--port N] [--lan] [--https] [--no-open] [--no-isolation] [--build-only]
  --port          8137 by default; 0 for any that is free
  --lan           serves to other machines on the network too; without it to this one alone
  --https         as --lan, with a certificate made for this run: phones give threads and WebGPU to no plain http
  --no-open       only prints the address
  --no-isolation  without the headers for shared memory: what a page on an ordinary host gets
  --build-only    builds bench/page/dist and ends`;

function options() {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: "8137" },
        lan: { type: "boolean", default: false },
        https: { type: "boolean", default: false },
        "no-open": { type: "boolean", default: false },
        "no-isolation": { type: "boolean", default: false },
        "build-only": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

const values = options();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const wanted = Number(values.port);
if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65535) {
  console.error(`--port ${values.port}: it must be a whole number from 0 to 65535.`);
  process.exit(2);
}
await buildPage();
if (values["build-only"]) process.exit(0);

const lan = values.lan || values.https ? networkAddresses() : [];
const { port } = await serve({
  folder: fileURLToPath(folder),
  port: wanted,
  host: lan.length > 0 ? EVERYWHERE : undefined,
  headers: headers(!values["no-isolation"]),
  tls: values.https ? selfSigned(["localhost", "127.0.0.1", ...lan]) : null,
  onReport: (line) => console.error(`content security policy: ${line}`),
}).catch((error) => {
  const advice = error.code === "EADDRINUSE" ? "Something else listens there; name another --port, or 0." : "";
  console.error(`Port ${wanted}: ${error.message}. ${advice}`);
  process.exit(1);
});
const scheme = values.https ? "https" : "http";
const address = `${scheme}://localhost:${port}/`;
console.log(`bench page: ${address}`);
for (const host of lan) console.log(`from a phone: ${scheme}://${host}:${port}/`);
if (lan.length > 0) {
  console.log(
    values.https
      ? "A browser warns of a certificate that nobody has signed; go on from there."
      : "Phones give plain http one thread and no WebGPU: add --https, or see bench/page/README.md for adb.",
  );
}
if (!values["no-open"]) {
  const opener = { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
  spawn(opener, [address], { detached: true, stdio: "ignore" })
    .on("error", () => console.log("No browser could be opened from here."))
    .unref();
}

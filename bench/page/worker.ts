// All of the work, so that the page's own thread has none. Stopping is the page's: it terminates this worker, whatever it does.
import { holdLock, webPort } from "../../src/worker/handle/web.js";
import { describeDevice } from "./device.js";
import type { FromWorker, ToWorker } from "./messages.js";
import type { DeviceDescription } from "./report.js";
import { forecast, run } from "./run.js";
import { stepsOf } from "./steps.js";

const port = webPort();
const tell = (message: FromWorker) => port.post(message);
let described: Promise<DeviceDescription> | undefined;

async function answer(message: ToWorker): Promise<void> {
  described ??= describeDevice().catch((error) => {
    throw new Error(`This browser cannot run the kernels, which need WebAssembly SIMD: ${error.message}`);
  });
  const device = await described;
  if (message.kind === "describe") {
    tell({ kind: "device", device });
    return;
  }
  const { settings } = message;
  if (message.kind === "estimate") {
    tell({ kind: "estimate", ms: forecast(stepsOf(settings, device), settings, device).totalMs });
    return;
  }
  await run(settings, device, tell);
  tell({ kind: "end" });
}

port.listen((message: ToWorker) => {
  answer(message).catch((error) => tell({ kind: "failed", message: String(error?.message ?? error) }));
});
holdLock().then((lock) => lock && tell({ kind: "lock", lock }));

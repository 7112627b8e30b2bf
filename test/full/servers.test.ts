import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { attack, Target } from "../servers/attack.js";

test("100,000 random requests, and 10,000 slow connections: alive, flat memory, nothing from outside of the folder", async () => {
  const target = await Target.start();
  // What a process grows by until its code is optimized and its heap has its size: 30 MB; another 90,000 requests add nothing.
  await attack(target.port, 20_000, 1);
  const before = (await target.state()).bytes;
  const { statuses, leaks } = await attack(target.port, 100_000, 2);
  const sockets: Socket[] = [];
  for (let batch = 0; batch < 100; batch++) {
    await Promise.all(
      Array.from(
        { length: 100 },
        () =>
          new Promise<void>((resolve) => {
            const socket = connect(target.port, "127.0.0.1", () => resolve()).on("error", () => resolve());
            socket.write("GET / HTTP/1.1\r\nX-Slow: ");
            sockets.push(socket);
          }),
      ),
    );
  }
  const { bytes, reports } = await target.state();
  console.log(
    `answers ${JSON.stringify(statuses)}; ${(before / 1e6).toFixed(0)} MB before, ${(bytes / 1e6).toFixed(0)} after`,
  );
  for (const socket of sockets) socket.destroy();
  expect(leaks).toEqual([]);
  expect(reports.length).toBeLessThanOrEqual(101);
  for (const line of reports) expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(bytes).toBeLessThan(before + 40e6);
  await expect.poll(() => target.serves(), { timeout: 20_000, interval: 1_000 }).toBe(true);
  await target.stop();
}, 600_000);

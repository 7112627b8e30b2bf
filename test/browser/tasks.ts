import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds by the wall clock, with those in which others had the thread's core. */
  readonly dur?: number;
  /** Of the thread's own time; left out where it is none. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** The tasks of a page's thread during `work`, in milliseconds of the thread's own time, from the browser's own trace. */
export async function traceTasks<T>(
  browser: Browser,
  page: Page,
  work: () => Promise<T>,
): Promise<{ value: T; tasks: number[] }> {
  await browser.startTracing(page, { categories: ["toplevel"] });
  const value = await work();
  // A task is recorded when it ends, which is after it has answered. Once another has run, it has ended.
  await page.evaluate(() => 0);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) =>
      name.endsWith("RunTask") && ph === "X" && mains.some((main) => main.pid === pid && main.tid === tid),
  );
  return { value, tasks: tasks.map(({ dur, tdur }) => (tdur ?? dur ?? Number.NaN) / 1000) };
}

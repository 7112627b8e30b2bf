import { readdirSync, readFileSync } from "node:fs";

/** Of a process and all below it: bytes that are its own or its share of what is shared, and ticks of CPU by process. */
export function treeOf(pid, ticks) {
  let bytes = 0;
  const walk = (id) => {
    try {
      const stat = readFileSync(`/proc/${id}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks.set(id, Number(fields[11]) + Number(fields[12]));
      bytes += 1024 * Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      for (const task of readdirSync(`/proc/${id}/task`)) {
        const children = readFileSync(`/proc/${id}/task/${task}/children`, "utf8");
        for (const child of children.split(" ").filter(Boolean)) walk(Number(child));
      }
    } catch {
      // It has ended meanwhile.
    }
  };
  walk(pid);
  return bytes;
}

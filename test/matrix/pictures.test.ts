import { expect, test } from "vitest";
import { serve } from "../browser/server.js";
import { comparisonPage, complaints, fixtures, readReport, shared } from "../image/pictures.js";
import { drivers } from "./drivers.js";

const firefox = drivers.find(({ name }) => name === "Firefox")!;
const skipped = firefox.missing ? ` (skipped: ${firefox.missing})` : "";

test.skipIf(skipped)(
  `pictures in Firefox have PIL's pixels, as Node's, but where docs/pictures.md lists a difference${skipped}`,
  { timeout: 120_000 },
  async () => {
    const site = await serve({ isolated: false, files: await comparisonPage() });
    const session = await firefox.open(`${site.origin}/pictures.html`);
    try {
      while (!readReport(site.reports)) await new Promise((resolve) => setTimeout(resolve, 100));
      const results = readReport(site.reports)!;
      expect(results.size).toBe(fixtures.length + shared.length);
      if (process.env.SHOW) console.log(JSON.stringify([...results].filter(([, result]) => result !== 0)));
      expect(complaints("Firefox", results)).toEqual([]);
    } finally {
      await session.close();
      site.close();
    }
  },
);

// Draws the pictures of the extension's entry in a store, of 1280 x 800: npm run store-pictures
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { buildExtension } from "./extension.mjs";
import { root } from "./site.mjs";

const [WIDTH, HEIGHT] = [1280, 800];
const out = join(root, "examples/extension/store");
const photo = (name) => join(root, "examples/photos", name);

const escaped = (text) => text.replace(/[&<]/g, (letter) => (letter === "&" ? "&amp;" : "&lt;"));

/** Text on the left, what the extension shows on the right, as large as fits. */
async function compose(shot, { title, lines, dark }) {
  const [page, ink, soft] = dark ? ["#0f1512", "#eef3f0", "#a7b3ac"] : ["#e4efe9", "#17201b", "#44504a"];
  const box = { width: 560, height: 720 };
  const scaled = await sharp(shot)
    .resize({ ...box, fit: "inside" })
    .png()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = scaled.info;
  const [left, top] = [660 + Math.round((box.width - width) / 2), Math.round((HEIGHT - height) / 2)];
  const spans = (texts, step) =>
    texts.map((text, index) => `<tspan x="72" dy="${index === 0 ? 0 : step}">${escaped(text)}</tspan>`).join("");
  const font = 'font-family="system-ui, DejaVu Sans, sans-serif"';
  const under = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <rect width="100%" height="100%" fill="${page}"/>
    <rect x="${left - 1}" y="${top - 1}" width="${width + 2}" height="${height + 2}" rx="3" fill="none" stroke="${soft}" stroke-opacity="0.5" stroke-width="2"/>
    <text y="300" ${font} font-size="46" font-weight="700" fill="${ink}">${spans(title, 58)}</text>
    <text y="${330 + 58 * title.length}" ${font} font-size="23" fill="${soft}">${spans(lines, 36)}</text>
  </svg>`;
  return sharp(Buffer.from(under))
    .composite([{ input: scaled.data, left, top }])
    .png()
    .toBuffer();
}

const server = createServer(async (request, response) => {
  const name = /^\/(cat\.jpg|coffee\.jpg|horse\.png|rocket\.jpg)$/.exec(request.url)?.[1];
  response.setHeader("access-control-allow-origin", "*");
  if (name) return response.end(await readFile(photo(name)));
  response.setHeader("content-type", "text/html");
  return response.end("<!doctype html><title>Pictures</title>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const temporary = await mkdtemp(join(tmpdir(), "store-pictures-"));
const folder = await buildExtension(join(temporary, "dist"));
const context = await chromium.launchPersistentContext("", {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: false,
  deviceScaleFactor: 2,
  args: [
    "--no-sandbox",
    "--no-first-run",
    "--headless=new",
    `--load-extension=${folder}`,
    `--disable-extensions-except=${folder}`,
    "--disable-features=DisableLoadExtensionCommandLineSwitch",
  ],
});
try {
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const id = new URL(worker.url()).host;
  const page = await context.newPage();
  const shoot = async (width) => {
    await page.setViewportSize({ width, height: 1000 });
    return page.locator("body").screenshot();
  };
  const ask = async (name) => {
    await page.goto(`chrome-extension://${id}/popup.html`);
    // Twice: the first answer has the model's loading in it.
    for (let time = 0; time < 2; time++) {
      await page.setInputFiles("#file", photo(name));
      await page.locator("#bars li").first().waitFor();
    }
    await page.locator("#knows", { hasText: /knows/ }).waitFor();
  };
  await mkdir(out, { recursive: true });
  const save = async (name, shot, text) => {
    await writeFile(join(out, name), await compose(shot, text));
    console.log(join(out, name));
  };

  await ask("horse.png");
  await save("1-answer.png", await shoot(352), {
    title: ["What is this", "picture?"],
    lines: ["Right-click a picture, or drop one.", "The answer comes from your own", "machine, in milliseconds."],
  });
  await page.emulateMedia({ colorScheme: "dark" });
  await ask("cat.jpg");
  await save("2-private.png", await shoot(352), {
    dark: true,
    title: ["Nothing leaves", "your browser"],
    lines: ["No account, no server, no tracking.", "It asks for no site's permission,", "and works offline."],
  });
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`chrome-extension://${id}/options.html`);
  await page.locator("#present", { hasText: /answers/ }).waitFor();
  await save("3-own-model.png", await shoot(460), {
    title: ["Your own model", "answers, too"],
    lines: ["A residual network of PyTorch,", "torchvision, timm or Hugging Face,", "or one that you taught yourself."],
  });
} finally {
  await context.close();
  server.close();
  await rm(temporary, { recursive: true, force: true });
}

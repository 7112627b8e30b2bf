// docs/*.md as pages of the site.
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import markdownIt from "markdown-it";
import anchor from "markdown-it-anchor";
import { root } from "./site.mjs";

/** What readers look for first; every other page follows by name. */
const FIRST = ["api", "embedding", "models", "pictures", "check", "errors", "benchmarks", "browsers"];

/** Writes a page for each of docs/*.md, an index, and the pictures that they show, into `folder`; gives their names. */
export async function writeDocs(folder) {
  await mkdir(folder, { recursive: true });
  const names = await readdir(join(root, "docs"));
  const { repository } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const source = `${repository.url.replace(/^git\+|\.git$/g, "")}/blob/main/`;
  const place = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const pages = names
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.slice(0, -3))
    .sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const texts = await Promise.all(pages.map((name) => readFile(join(root, "docs", `${name}.md`), "utf8")));
  const titles = texts.map((text, at) => /^# (.+)$/m.exec(text)?.[1].replaceAll("`", "") ?? pages[at]);
  const renderer = markdownIt({ html: false }).use(anchor, { permalink: anchor.permalink.headerLink() });
  const written = [];
  const write = async (name, title, body) => {
    const contents = pages
      .map(
        (page, at) =>
          `<li><a href="${page}.html"${page === name ? ' aria-current="page"' : ""}>${escaped(titles[at])}</a></li>`,
      )
      .join("");
    await writeFile(join(folder, `${name}.html`), layout(title, contents, body));
    written.push(`${name}.html`);
  };
  for (const [at, text] of texts.entries()) {
    const body = renderer
      .render(text, {})
      .replaceAll(/(href|src)="([^"]+)"/g, (_, kind, address) => `${kind}="${moved(address, source)}"`);
    await write(pages[at], titles[at], scrolling(body));
  }
  const list = pages.map((page, at) => `<li><a href="${page}.html">${escaped(titles[at])}</a></li>`).join("");
  await write("index", "Docs", `<h1>Docs</h1><ul>${list}</ul>`);
  for (const name of names.filter((it) => it.endsWith(".svg"))) {
    await copyFile(join(root, "docs", name), join(folder, name));
    written.push(name);
  }
  return written;
}

/** What is wider than a phone scrolls by itself, by the keyboard too. */
const scrolling = (html) =>
  html
    .replaceAll("<table>", '<div class="wide" tabindex="0"><table>')
    .replaceAll("</table>", "</table></div>")
    .replaceAll("<pre>", '<pre tabindex="0">');

/** Where a link of the repository leads on the site: pages of docs/ to their page, other files to the repository. */
function moved(address, source) {
  if (/^([a-z]+:|#)/i.test(address)) return address;
  const [path, hash] = address.split("#");
  const tail = hash === undefined ? "" : `#${hash}`;
  if (/^[\w-]+\.md$/.test(path)) return `${path.slice(0, -3)}.html${tail}`;
  if (/^[\w-]+\.svg$/.test(path)) return address;
  return new URL(path, `${source}docs/`).href + tail;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const layout = (title, contents, body) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="description" content="${escaped(title).replaceAll('"', "&quot;")}: resnet-edge's documentation." />
    <title>${escaped(title)}: resnet-edge</title>
    <link rel="icon" href="../icon.svg" />
    <link rel="stylesheet" href="../base.css" />
    <link rel="stylesheet" href="../style.css" />
  </head>
  <body class="docs">
    <header>
      <a class="brand" href="../"><img src="../icon.svg" alt="" width="32" height="32" />resnet-edge</a>
      <nav aria-label="Site"><a href="../">Playground</a><a href="./" aria-current="page">Docs</a></nav>
    </header>
    <div class="columns">
      <nav class="contents" aria-label="Docs"><ul>${contents}</ul></nav>
      <main>${body}</main>
    </div>
  </body>
</html>
`;

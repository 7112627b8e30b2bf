// What a page's layout has wrong, as sentences; nothing where all is well. Each runs in the page, and uses nothing from here.

/** What scrolls sideways, and what is left or right of the screen. */
export function sideways(): string[] {
  const found: string[] = [];
  const { scrollWidth } = document.documentElement;
  if (scrollWidth > innerWidth) found.push(`scrolls to ${scrollWidth} of ${innerWidth}`);
  for (const element of document.querySelectorAll("body *")) {
    const { left, right, width } = element.getBoundingClientRect();
    // A region that scrolls shows it all, and what lies on a control is as large as the control.
    const apart = ".unseen, .visually-hidden, .stage, .button, .file, .scroll, .wide, pre, svg, details:not([open])";
    if (width === 0 || element.closest(apart)) continue;
    if (left < -0.5 || right > innerWidth + 0.5) found.push(`off the screen: ${element.outerHTML.slice(0, 80)}`);
  }
  return found;
}

/** What is outside the screen, cut by something that does not scroll, or not in its own ratio. Runs in the page. */
export function kioskFaults(): string[] {
  const found: string[] = [];
  const about = (element: Element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 90);
  const scroller = document.scrollingElement!;
  if (scroller.scrollWidth > innerWidth) found.push(`scrolls to ${scroller.scrollWidth}`);
  const top = document.querySelector("dialog[open]") ?? document.body;
  for (const element of top.querySelectorAll("*")) {
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0 || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".unseen, svg, option, .frame") || element.matches(".button input")) continue;
    // What a list leaves out wraps out of its sight, whole; a region that scrolls shows it all.
    const list = element.closest(".bars, #history, .teach, dialog");
    if (list && list !== element) {
      const box = list.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1) {
        if (left < box.right - 1) found.push(`cut at a side: ${about(element)}`);
        continue;
      }
      const cut = bottom > box.bottom + 1 || top < box.top - 1;
      if (cut && top < box.bottom - 1 && list.matches(".bars, #history")) found.push(`cut in half: ${about(element)}`);
      if (cut) continue;
    }
    if (left < -1 || right > innerWidth + 1 || top < -1 || bottom > innerHeight + 1) {
      found.push(`off the screen: ${about(element)}`);
    }
    if (element.matches("#answer, #label, #words, #notice") && element.scrollHeight > element.clientHeight + 2) {
      const overlap = element.id === "label" ? 0.25 * Number.parseFloat(getComputedStyle(element).fontSize) : 2;
      if (element.scrollHeight > element.clientHeight + overlap) found.push(`too much in: ${about(element)}`);
    }
    if (element.matches("video, #picture") && getComputedStyle(element).objectFit !== "contain") {
      found.push(`squashed: ${about(element)}`);
    }
    if (element.matches("#history canvas")) {
      const { width: w, height: h } = element as HTMLCanvasElement;
      if (Math.abs(width / height / (w / h) - 1) > 0.03) found.push(`squashed: ${about(element)}`);
    }
  }
  return found;
}

/** Words of a chart that lie over others. Runs in the page. */
export function overlaps(): string[] {
  const found: string[] = [];
  for (const chart of document.querySelectorAll(".chart > svg")) {
    const words = [...chart.querySelectorAll("text")].filter((it) => it.checkVisibility());
    for (const [index, one] of words.entries()) {
      const a = one.getBoundingClientRect();
      for (const other of words.slice(index + 1)) {
        const b = other.getBoundingClientRect();
        const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (width > 1 && height > 4) found.push(`${one.textContent} and ${other.textContent}`);
      }
    }
  }
  return found;
}

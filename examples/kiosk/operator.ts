import { hash } from "./kept-models.js";
import { find, setText } from "./view.js";

/** How long a corner is held. */
const HOLD_MS = 3000;
/** Settings that somebody left open close by themselves. */
const IDLE_MS = 180_000;
const KEY = "kiosk-code";

interface Code {
  readonly salt: string;
  readonly hash: string;
}

/**
 * The operator's settings, out of visitors' way: opened by holding the upper right corner for three seconds, by Ctrl+Alt+O, or by
 * `#operator` in the address, and then, where one was set, by a code.
 */
export class Operator {
  readonly #dialog = find<HTMLDialogElement>("operator");
  readonly #gate = find<HTMLFormElement>("gate");
  readonly #settings = find("settings");
  #hold = 0;
  #idle = 0;

  constructor() {
    addEventListener("pointerdown", (event) => {
      if (!isCorner(event)) return;
      clearTimeout(this.#hold);
      this.#hold = window.setTimeout(() => this.open(), HOLD_MS);
    });
    for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => clearTimeout(this.#hold));
    addEventListener("pointermove", (event) => {
      if (!isCorner(event)) clearTimeout(this.#hold);
    });
    // A long press must not open the browser's own menu there.
    addEventListener("contextmenu", (event) => {
      if (isCorner(event)) event.preventDefault();
    });
    addEventListener("keydown", (event) => {
      if (event.ctrlKey && event.altKey && event.code === "KeyO") this.open();
    });
    addEventListener("hashchange", () => this.#byAddress());
    for (const kind of ["pointerdown", "keydown", "input"]) this.#dialog.addEventListener(kind, () => this.#stayOpen());
    this.#dialog.addEventListener("close", () => {
      clearTimeout(this.#idle);
      // A reload must not open them again.
      if (location.hash === "#operator") history.replaceState(null, "", location.pathname + location.search);
    });
    find("operator-close").addEventListener("click", () => this.#dialog.close());
    this.#gate.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#pass();
    });
    find<HTMLFormElement>("code-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#setCode();
    });
    this.#byAddress();
  }

  get isOpen(): boolean {
    return this.#dialog.open && !this.#settings.hidden;
  }

  open(): void {
    if (this.#dialog.open) return;
    const isGuarded = readCode() !== null;
    this.#gate.hidden = !isGuarded;
    this.#settings.hidden = isGuarded;
    setText(find("gate-said"), "");
    setText(find("code-said"), isGuarded ? "A code is set. Save an empty one to take it away." : "");
    this.#dialog.showModal();
    this.#stayOpen();
  }

  close(): void {
    this.#dialog.close();
  }

  #byAddress(): void {
    if (location.hash === "#operator") this.open();
  }

  #stayOpen(): void {
    clearTimeout(this.#idle);
    this.#idle = window.setTimeout(() => this.#dialog.close(), IDLE_MS);
  }

  async #pass(): Promise<void> {
    const input = find<HTMLInputElement>("gate-code");
    const [code, given] = [readCode(), input.value];
    input.value = "";
    if (code && (await digest(given, code.salt)) !== code.hash) {
      setText(find("gate-said"), "That is not the code.");
      return;
    }
    this.#gate.hidden = true;
    this.#settings.hidden = false;
    find("operator-close").focus();
  }

  async #setCode(): Promise<void> {
    const input = find<HTMLInputElement>("code");
    const text = input.value;
    input.value = "";
    if (text === "") {
      localStorage.removeItem(KEY);
      setText(find("code-said"), "No code is asked for.");
      return;
    }
    const salt = crypto.randomUUID();
    localStorage.setItem(KEY, JSON.stringify({ salt, hash: await digest(text, salt) } satisfies Code));
    setText(find("code-said"), "From now on the code is asked for.");
  }
}

function isCorner({ clientX, clientY }: MouseEvent): boolean {
  const side = Math.max(64, 0.08 * Math.min(innerWidth, innerHeight));
  return clientX > innerWidth - side && clientY < side;
}

/** Null where none is set, or what was kept is none: an operator must not be locked out by damage. */
function readCode(): Code | null {
  try {
    const { salt, hash } = JSON.parse(localStorage.getItem(KEY) ?? "null") as Code;
    return typeof salt === "string" && typeof hash === "string" ? { salt, hash } : null;
  } catch {
    return null;
  }
}

const digest = (text: string, salt: string) => hash(new TextEncoder().encode(salt + text).buffer);

import type { BrowserImage, Teacher } from "resnet-edge/teach";
import { forgetTeaching, keepTeaching, readTeaching } from "./kept-teaching.js";
import { saveFile } from "./save-file.js";
import { find, setText } from "./view.js";

/** What is taught on. */
export interface Backbone {
  /** SHA-256 of its file; "": the bundled one. */
  readonly key: string;
  readonly bytes: ArrayBuffer;
}

interface TeachHost {
  backbone(): Promise<Backbone>;
  /** What the camera shows; null where it shows nothing. */
  look(): BrowserImage | null;
  /** Hears of each model that was taught, and answers with it from then on. */
  onTaught(labels: readonly string[], file: Uint8Array<ArrayBuffer>, backbone: string): Promise<void>;
  /** Hears that nothing that was taught on this backbone is to be kept. */
  onForgotten(backbone: string): Promise<void>;
}

/** The panel in which an operator teaches classes: named, shown to the camera or chosen as files, and kept in this browser. */
export class TeachPanel {
  /** Names in their order, those without examples among them. */
  #names: string[] = [];
  readonly #rows = new Map<string, Row>();
  #teacher: Teacher<BrowserImage> | null = null;
  #backbone = "";
  #file: Uint8Array<ArrayBuffer> | null = null;
  /** One thing after the other: presses that come meanwhile wait. */
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly host: TeachHost) {
    find<HTMLFormElement>("class-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = find<HTMLInputElement>("class-name");
      const name = input.value.trim();
      if (name !== "" && !this.#names.includes(name)) this.#names.push(name);
      input.value = "";
      this.#list();
    });
    find("train").addEventListener("click", () => this.#next(() => this.#train()));
    find("teach-export").addEventListener("click", () => saveFile("taught.safetensors", this.#file!));
    const forget = find("teach-forget");
    forget.addEventListener("click", () => {
      // Pressed twice: what was taught cannot be brought back.
      if (forget.dataset.asked) this.#next(() => this.#forget());
      else setText(forget, "Really forget all?");
      forget.dataset.asked = forget.dataset.asked ? "" : "yes";
    });
    forget.addEventListener("blur", () => this.#calmForget());
  }

  /** Loads what is learned with, and what was taught before. */
  open(): Promise<void> {
    // At once: names that are typed while it loads stay.
    this.#names = [];
    return this.#next(async () => {
      say("Loading what it learns with.");
      const { key, bytes } = await this.host.backbone();
      const { createTeacher } = await import("resnet-edge/teach");
      await this.#teacher?.close();
      this.#teacher = null;
      const state = await readTeaching(key);
      this.#backbone = key;
      let note = "";
      this.#teacher = await createTeacher(bytes, state ? { state } : {}).catch((error: Error) => {
        if (!state) throw error;
        note = `What was taught before cannot be read: ${error.message}`;
        return createTeacher(bytes);
      });
      const known = this.#teacher.labels;
      this.#names.push(...known.filter((name) => !this.#names.includes(name)));
      this.#list();
      say(note || (known.length > 0 ? "It goes on from what was taught before." : "Name the first class."));
    });
  }

  close(): Promise<void> {
    this.#names = [];
    return this.#next(async () => {
      await this.#teacher?.close();
      this.#teacher = null;
      this.#file = null;
      this.#list();
    });
  }

  /** Shows or hides what needs a camera. */
  set hasCamera(has: boolean) {
    find("teach").classList.toggle("blind", !has);
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: Error) => say(error.message));
    return this.#work;
  }

  get #ready(): Teacher<BrowserImage> {
    if (!this.#teacher) throw new Error("There is nothing to learn with: press Done, and begin again.");
    return this.#teacher;
  }

  async #add(name: string, images: readonly (readonly [image: BrowserImage, title: string])[]): Promise<void> {
    const teacher = this.#ready;
    const failed: string[] = [];
    for (const [index, [image, title]] of images.entries()) {
      if (images.length > 1) say(`Looking at picture ${index + 1} of ${images.length}.`);
      await teacher.add(name, image).catch((error: Error) => failed.push(`${title}: ${error.message}`));
    }
    await this.#changed();
    const count = images.length - failed.length;
    say(failed.join(" ") || `${count} more of ${name}.`);
  }

  async #undo(name: string): Promise<void> {
    const last = this.#ready.examples.findLast(({ label }) => label === name);
    if (!last) return;
    this.#ready.remove(last.id);
    await this.#changed();
    say(`The last one of ${name} is gone.`);
  }

  async #changed(): Promise<void> {
    this.#file = null;
    this.#list();
    await keepTeaching(this.#backbone, this.#ready.save());
  }

  async #train(): Promise<void> {
    say("Learning.");
    const { accuracy, labels, notes } = await this.#ready.train();
    this.#file = await this.#ready.export();
    await this.host.onTaught(labels, this.#file, this.#backbone);
    const right = accuracy === null ? "" : ` About ${(100 * accuracy).toFixed(0)} % of such pictures are told right.`;
    say(`Learned: the kiosk answers with it now.${right} ${notes.join(" ")}`);
    this.#list();
  }

  async #forget(): Promise<void> {
    for (const { id } of [...this.#ready.examples]) this.#ready.remove(id);
    await forgetTeaching(this.#backbone);
    await this.host.onForgotten(this.#backbone);
    this.#names = [];
    this.#file = null;
    // Its button goes, and the focus with it.
    if (document.activeElement === find("teach-forget")) find("class-name").focus();
    this.#list();
    say("All of it is forgotten. Name the first class.");
  }

  #calmForget(): void {
    const forget = find("teach-forget");
    forget.dataset.asked = "";
    setText(forget, "Forget all");
  }

  #list(): void {
    const examples = this.#teacher?.examples ?? [];
    const counts = this.#names.map((name) => examples.filter(({ label }) => label === name).length);
    for (const [name, { row }] of this.#rows) {
      if (this.#names.includes(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
    for (const [at, name] of this.#names.entries()) {
      const row = this.#rows.get(name) ?? this.#addRow(name);
      showPictures(row, counts[at]!);
    }
    find("train").hidden = counts.filter((count) => count > 0).length < 2;
    find("teach-export").hidden = this.#file === null;
    find("teach-forget").hidden = this.#names.length === 0;
    this.#calmForget();
  }

  /** Made once: what an operator has the finger or the focus on stays where it is. */
  #addRow(name: string): Row {
    const row = document.createElement("li");
    const title = Object.assign(document.createElement("span"), { className: "name", textContent: name });
    const number = Object.assign(document.createElement("span"), { className: "soft" });
    const take = action("Take", `Take a picture of ${name}`);
    take.classList.add("needs-camera");
    take.addEventListener("click", () => {
      const image = this.host.look();
      if (image) this.#next(() => this.#add(name, [[image, "The camera's picture"]]));
      else say("The camera shows nothing.");
    });
    const choose = Object.assign(document.createElement("label"), { className: "button", textContent: "Files" });
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
    input.setAttribute("aria-label", `Files of ${name}`);
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      input.value = "";
      if (files.length === 0) return;
      this.#next(() =>
        this.#add(
          name,
          files.map((file) => [file, file.name] as const),
        ),
      );
    });
    choose.append(input);
    const undo = action("Undo", `Undo the last picture of ${name}`);
    undo.addEventListener("click", () => this.#next(() => this.#undo(name)));
    const actions = Object.assign(document.createElement("div"), { className: "row" });
    actions.append(take, choose, undo);
    row.append(title, number, actions);
    find("classes").append(row);
    const made = { row, number, input, undo };
    this.#rows.set(name, made);
    return made;
  }
}

/** A class in the list. */
interface Row {
  readonly row: HTMLElement;
  readonly number: HTMLElement;
  readonly input: HTMLInputElement;
  readonly undo: HTMLButtonElement;
}

function showPictures({ number, input, undo }: Row, count: number): void {
  setText(number, count === 1 ? "1 picture" : `${count} pictures`);
  // The focus goes on to what is left, where its button goes.
  if (count === 0 && document.activeElement === undo) input.focus();
  undo.hidden = count === 0;
}

function action(text: string, label: string): HTMLButtonElement {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  button.setAttribute("aria-label", label);
  return button;
}

function say(text: string): void {
  setText(find("teach-said"), text.trim());
}

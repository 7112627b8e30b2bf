import type { ModelSource } from "resnet-edge";
import type { BrowserImage, Teacher } from "resnet-edge/teach";
import { saveFile } from "../kiosk/save-file.js";
import { element } from "./answer.js";
import { find } from "./stage.js";

/** What is taught on: the page's present model. */
interface Ground {
  readonly backbone: ModelSource;
  readonly labels: readonly string[] | undefined;
}

/** The card in which a person teaches classes of their own. */
export class Teaching {
  readonly #files = new Map<string, File[]>();
  readonly #train = find<HTMLButtonElement>("train");
  #file: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    private readonly ground: () => Ground,
    /** Hears of each model that was taught. */
    private readonly onTaught: (file: Uint8Array<ArrayBuffer>) => Promise<void>,
  ) {
    find<HTMLFormElement>("class-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const input = find<HTMLInputElement>("class-name");
      const name = input.value.trim();
      if (name !== "" && !this.#files.has(name)) this.#addClass(name);
      input.value = "";
    });
    this.#train.addEventListener("click", () => this.#teach());
    find("export").addEventListener("click", () => this.#save());
  }

  #addClass(name: string): void {
    this.#files.set(name, []);
    const count = element("span", "soft", "no pictures yet");
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
    const button = element("label", "button", `Pictures of ${name}`);
    button.append(input);
    input.addEventListener("change", () => {
      const files = this.#files.get(name)!;
      files.push(...(input.files ?? []));
      input.value = "";
      count.textContent = `${files.length} picture${files.length === 1 ? "" : "s"}`;
      this.#train.disabled = [...this.#files.values()].filter(({ length }) => length > 0).length < 2;
    });
    const row = element("li", "");
    row.append(button, count);
    find("classes").append(row);
  }

  async #teach(): Promise<void> {
    this.#train.disabled = true;
    let teacher: Teacher<BrowserImage> | null = null;
    try {
      say("Loading what it learns with");
      const { createTeacher } = await import("resnet-edge/teach");
      const { backbone, labels } = this.ground();
      teacher = await createTeacher(backbone, { ...(labels && { labels }) });
      const all = [...this.#files].flatMap(([label, files]) => files.map((file) => ({ label, file })));
      const failed: string[] = [];
      for (const [index, { label, file }] of all.entries()) {
        say(`Looking at picture ${index + 1} of ${all.length}`);
        await teacher.add(label, file).catch((error: Error) => failed.push(`${file.name}: ${error.message}`));
      }
      const report = await teacher.train();
      const file = await teacher.export();
      this.#file = file;
      await this.onTaught(file);
      find("export").hidden = false;
      const right =
        report.accuracy === null
          ? ""
          : ` About ${(100 * report.accuracy).toFixed(0)} % of such pictures are told right.`;
      say(`Taught: it answers above now.${right} ${[...report.notes, ...failed].join(" ")}`);
    } catch (error) {
      say((error as Error).message);
    } finally {
      await teacher?.close();
      this.#train.disabled = false;
    }
  }

  #save(): void {
    saveFile("taught.safetensors", this.#file!);
  }
}

function say(text: string): void {
  find("taught").textContent = text.trim();
}

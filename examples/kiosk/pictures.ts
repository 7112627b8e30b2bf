const MOST_BYTES = 64 << 20;

/** Pictures that somebody chose, shown in turn. */
export class Pictures {
  #files: File[] = [];
  #next = 0;
  #file: File | null = null;
  #takes = 0;

  /** Tells the picture that is shown from every other one, and from those that were chosen before. */
  get shown(): string {
    return `${this.#takes}.${this.#next}`;
  }

  /** The name of the file that is shown. */
  get name(): string {
    return this.#file?.name ?? "";
  }

  /** Takes the images among the files, by name; false where there are none. */
  take(files: Iterable<File>): boolean {
    const images = [...files].filter(({ type }) => type.startsWith("image/"));
    if (images.length === 0) return false;
    this.#files = images.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    this.#next = 0;
    this.#takes++;
    return true;
  }

  /** The next picture; throws where its file is too large to be read. */
  next(): File {
    this.#file = this.#files[this.#next]!;
    this.#next = (this.#next + 1) % this.#files.length;
    if (this.#file.size > MOST_BYTES) throw new Error("it is larger than 64 MB");
    return this.#file;
  }

  complaint({ message }: Error): string {
    return `${this.#file?.name} is not a picture that can be read here: ${message}`;
  }
}

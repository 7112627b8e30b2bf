const MOST_BYTES = 64 << 20;

/** Pictures that somebody chose, shown in turn. */
export class Pictures {
  #files: File[] = [];
  #next = 0;
  #file: File | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  get count(): number {
    return this.#files.length;
  }

  /** Takes the images among the files, by name; false where there are none. */
  take(files: Iterable<File>): boolean {
    const images = [...files].filter(({ type }) => type.startsWith("image/"));
    if (images.length === 0) return false;
    this.#files = images.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    this.#next = 0;
    return true;
  }

  /** The next picture; throws where its file is too large to be read. */
  next(): File {
    this.#file = this.#files[this.#next]!;
    this.#next = (this.#next + 1) % this.#files.length;
    if (this.#file.size > MOST_BYTES) throw new Error("it is larger than 64 MB");
    return this.#file;
  }

  async show(file: File): Promise<void> {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    this.canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    this.canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    this.canvas.getContext("2d")!.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.setAttribute("aria-label", file.name);
    bitmap.close();
  }

  clear(): void {
    this.canvas.getContext("2d")!.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.setAttribute("aria-label", "Picture");
  }

  complaint({ message }: Error): string {
    return `${this.#file?.name} is not a picture that can be read here: ${message}`;
  }
}

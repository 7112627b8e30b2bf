/** Pictures that somebody chose, shown in turn. */
export class Pictures {
  #files: File[] = [];
  #next = 0;

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

  /** Draws the next picture and returns its file; throws where it is no image. */
  async show(): Promise<File> {
    const file = this.#files[this.#next]!;
    this.#next = (this.#next + 1) % this.#files.length;
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Error(`${file.name} is not a picture that this browser can read`);
    });
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    this.canvas.width = Math.round(bitmap.width * scale);
    this.canvas.height = Math.round(bitmap.height * scale);
    this.canvas.getContext("2d")!.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.setAttribute("aria-label", file.name);
    bitmap.close();
    return file;
  }
}

/** What is loaded when it is first asked for, and anew once it was dropped or failed. */
export class Latest<T> {
  #loading: Promise<T> | null = null;

  constructor(private readonly load: () => Promise<T>) {}

  get(): Promise<T> {
    if (this.#loading) return this.#loading;
    const loading = this.load();
    this.#loading = loading;
    // By then a later one may have its place.
    loading.catch(() => void this.drop(loading));
    return loading;
  }

  /** What was dropped, if there was anything. `only`: nothing else. */
  drop(only = this.#loading): Promise<T> | null {
    if (!only || only !== this.#loading) return null;
    this.#loading = null;
    return only;
  }
}

/** Keeps small JSON texts between visits. Failures are silent: what is not kept is measured again. */
export interface Store {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
}

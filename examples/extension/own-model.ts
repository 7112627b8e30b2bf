import { type BrowserImage, type Classifier, loadClassifier } from "resnet-edge";

/** A model that its user chose; kept in this browser alone. */
export interface OwnModel {
  readonly name: string;
  readonly bytes: ArrayBuffer;
  /** Class names; null where the file has its own. */
  readonly labels: readonly string[] | null;
}

/** Larger files are more than a service worker's memory should be asked for. */
export const MOST_MODEL_BYTES = 256 << 20;
export const MOST_LABELS_BYTES = 4 << 20;
const [DATABASE, STORE, KEY] = ["own model", "models", "own"];

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function transact<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser has no room for this model."));
    });
  } finally {
    database.close();
  }
}

export const readOwnModel = () =>
  transact<OwnModel | undefined>("readonly", (store) => store.get(KEY) as IDBRequest<OwnModel | undefined>);

export const forgetOwnModel = () => transact("readwrite", (store) => store.delete(KEY));

/** Keeps a model once it has been loaded and could answer; throws the library's errors. */
export async function keepOwnModel(model: OwnModel): Promise<number | null> {
  const classifier = await loaded(model);
  const classes = classifier.labels?.length ?? null;
  await classifier.close();
  await transact("readwrite", (store) => store.put(model, KEY));
  return classes;
}

/** A classifier of the user's own model, or of the bundled one. On the CPU: it answers before a GPU would be open. */
export function loaded(model: OwnModel | undefined): Promise<Classifier<BrowserImage>> {
  if (!model) return loadClassifier(undefined, { device: "cpu" });
  // What has come of a blob is let go of once it is packed; a buffer would be held as long as the classifier is.
  return loadClassifier(new Blob([model.bytes]), { device: "cpu", labels: model.labels ?? undefined });
}

/** One class a line; the last line's end is none. */
export const labelsOf = (text: string) => text.replace(/\r?\n$/, "").split(/\r?\n/);

import type { Store } from "./store.js";

/** One database, one table of texts. Absent in some private windows: then nothing is kept, and nothing fails. */
function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("resnet-edge", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("texts");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

async function use<T>(mode: IDBTransactionMode, ask: (texts: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const request = ask(database.transaction("texts", mode).objectStore("texts"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    database.close();
  }
}

/** IndexedDB: the one store that pages, workers and service workers share. */
export const browserStore: Store = {
  async get(key) {
    return (await use("readonly", (texts) => texts.get(key))) ?? null;
  },
  async set(key, value) {
    await use("readwrite", (texts) => texts.put(value, key));
  },
};

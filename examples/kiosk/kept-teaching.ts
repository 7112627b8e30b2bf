/** Taught examples, kept in IndexedDB: one state for each backbone, as `Teacher.save` gives it. */
const DATABASE = "kiosk-teaching";
const STORE = "states";

function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("This browser could not keep what was taught."));
  });
}

async function within<T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await request(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    // A request that went well may still be undone: a full disk is found when the transaction ends.
    const [result] = await Promise.all([request(use(transaction.objectStore(STORE))), ended(transaction)]);
    return result;
  } finally {
    database.close();
  }
}

/** `backbone`: SHA-256 of its file; "": the bundled one. */
export async function readTeaching(backbone: string): Promise<Uint8Array | null> {
  const kept: unknown = await within("readonly", (store) => store.get(backbone));
  return kept instanceof Uint8Array ? kept : null;
}

export async function keepTeaching(backbone: string, state: Uint8Array): Promise<void> {
  await within("readwrite", (store) => store.put(state, backbone));
}

export async function forgetTeaching(backbone: string): Promise<void> {
  await within("readwrite", (store) => store.delete(backbone));
}

/** What of a service worker's globals is used: their types are not the page's. */
interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Waiting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
}

export interface Offline {
  /** What the names of this app's caches begin with. */
  readonly app: string;
  /** Every file of the app, and a name that changes with any of them. */
  readonly files: readonly string[];
  readonly version: string;
  /** Caches of the app that are not of one version. */
  readonly kept?: readonly string[];
  /** Sent with every answer, where the server sends none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** In a service worker: the app's files are kept, and answered from there, so that it works without a network. */
export function keepOffline({ app, files, version, kept = [], headers }: Offline): void {
  const scope = globalThis as unknown as Scope;
  const present = `${app}-${version}`;

  // Fetched past the HTTP cache, all or none: half of an old app and half of a new one would not work together.
  scope.addEventListener("install", (event) => {
    const fill = async () => {
      const cache = await caches.open(present);
      await cache.addAll(files.map((file) => new Request(file, { cache: "reload" })));
      await scope.skipWaiting();
    };
    event.waitUntil(fill());
  });

  scope.addEventListener("activate", (event) => {
    const tidy = async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith(`${app}-`) && name !== present && !kept.includes(name)) await caches.delete(name);
      }
      await scope.clients.claim();
    };
    event.waitUntil(tidy());
  });

  scope.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET" || request.cache === "reload") return;
    if (headers && new URL(request.url).origin !== location.origin) return;
    const answer = async () => {
      const cache = await caches.open(present);
      const found = (await cache.match(request, { ignoreSearch: true })) ?? (await fetch(request));
      if (!headers) return found;
      const all = new Headers(found.headers);
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      return new Response(found.body, { status: found.status, statusText: found.statusText, headers: all });
    };
    event.respondWith(answer());
  });
}

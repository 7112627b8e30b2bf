/** Set by the build: every file of the app, and a name that changes with any of them. */
declare const FILES: readonly string[];
declare const VERSION: string;

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

const scope = globalThis as unknown as Scope;
const CACHE = `kiosk-${VERSION}`;

// Fetched past the HTTP cache, all or none: half of an old app and half of a new one would not work together.
scope.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
    await scope.skipWaiting();
  };
  event.waitUntil(fill());
});

scope.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("kiosk-") && name !== CACHE && name !== "kiosk-models") await caches.delete(name);
    }
    await scope.clients.claim();
  };
  event.waitUntil(tidy());
});

// Answers keep the headers that they came with, the isolation among them.
scope.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || event.request.cache === "reload") return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    const path = new URL(event.request.url).pathname.endsWith("/") ? "./" : event.request;
    return (await cache.match(path, { ignoreSearch: true })) ?? fetch(event.request);
  };
  event.respondWith(answer());
});

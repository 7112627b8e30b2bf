import { keepOffline } from "../kiosk/offline.js";

/** Set by the build: every file of the site, and a name that changes with any of them. */
declare const FILES: readonly string[];
declare const VERSION: string;

// A static host sends no headers of ours. With these the page is isolated from its second visit on: threads may then share memory.
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

keepOffline({ app: "playground", files: FILES, version: VERSION, headers: ISOLATION });

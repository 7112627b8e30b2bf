import { keepOffline } from "./offline.js";

/** Set by the build: every file of the app, and a name that changes with any of them. */
declare const FILES: readonly string[];
declare const VERSION: string;

// Answers keep the headers that they came with, the isolation among them.
keepOffline({ app: "kiosk", files: FILES, version: VERSION, kept: ["kiosk-models"] });

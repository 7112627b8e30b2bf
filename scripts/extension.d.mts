/** Builds the extension for "chromium", or "firefox", into `folder`, which is emptied first, and returns it. */
export function buildExtension(folder?: string, browser?: "chromium" | "firefox"): Promise<string>;

/** Firefox's manifest of Chromium's. */
export function firefoxManifest(manifest: Readonly<Record<string, unknown>>): {
  readonly background: unknown;
  readonly browser_specific_settings: {
    readonly gecko: {
      readonly id: string;
      readonly strict_min_version: string;
      readonly data_collection_permissions: unknown;
    };
  };
};

/** The build fills it in: a hash of the sources that decide how long an operation takes. */
declare const KERNELS_VERSION: string | undefined;

/** The engine that times depend on, for the same keys: the browser's name and version, or Node's. */
export function engineName(): string {
  const { navigator, process } = globalThis as { navigator?: Navigator; process?: { version: string } };
  return navigator?.userAgent ?? process?.version ?? "";
}

/** Part of every key under which measurements are kept, so that those of other kernels are not believed. */
export const kernelsVersion = typeof KERNELS_VERSION === "undefined" ? "sources" : KERNELS_VERSION;

/** Set by the build likewise. */
declare const PACKAGE_VERSION: string | undefined;

/** As in package.json. */
export const packageVersion = typeof PACKAGE_VERSION === "undefined" ? "sources" : PACKAGE_VERSION;

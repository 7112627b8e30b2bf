/** The build fills it in: a hash of the sources that decide how long an operation takes. */
declare const KERNELS_VERSION: string | undefined;

/** Part of every key under which measurements are kept, so that those of other kernels are not believed. */
export const kernelsVersion = typeof KERNELS_VERSION === "undefined" ? "sources" : KERNELS_VERSION;

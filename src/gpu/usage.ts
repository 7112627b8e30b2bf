/** Bits of GPUBufferUsage and GPUMapMode, which are not globals where Dawn runs in Node. */
export const MAP_READ = 0x1;
export const COPY_SRC = 0x4;
export const COPY_DST = 0x8;
export const STORAGE = 0x80;
export const READ = 0x1;

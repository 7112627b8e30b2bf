type Headers = Record<string, string>;
export function site(
  files: (path: string) => string | Buffer | null,
  headers?: Headers | ((path: string) => Headers),
): Promise<{ port: number; close(): void }>;
export const shared: (path: string) => string | null;

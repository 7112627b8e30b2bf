export function serve(options: {
  folder: string;
  port: number;
  host?: string;
  names?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  tls?: { key: string; cert: string } | null;
  onReport?: ((line: string) => void) | null;
}): Promise<{ port: number; close(): void }>;

import { SourceError } from "../errors.js";

const MOST_REDIRECTS = 10;

/** A failure that may pass: a host that is busy, a line that broke. Worth another attempt. */
export class Interruption extends Error {
  constructor(
    reason: string,
    /** For how long the host asks to be left alone. */
    readonly waitMs = 0,
  ) {
    super(reason);
  }
}

export interface Answer {
  readonly response: Response;
  /** SHA-256 of the whole file as a host on the way stated it: Hugging Face does when it redirects to its store. */
  readonly sha256: string | null;
}

/** Asks for a file. Redirects are followed by hand, to see what every host on the way states. */
export async function request(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  let address = new URL(url);
  let sha256: string | null = null;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    let response: Response;
    try {
      response = await fetch(address, { headers, redirect: "manual", signal });
    } catch (error) {
      throw new Interruption(reasonOf(error));
    }
    sha256 ??= /^"?([0-9a-f]{64})"?$/.exec(response.headers.get("x-linked-etag") ?? "")?.[1] ?? null;
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return { response, sha256 };
    await response.body?.cancel().catch(() => {});
    const next = new URL(location, address);
    if (next.protocol !== "https:" && (next.protocol !== "http:" || address.protocol === "https:")) {
      throw new SourceError(`${address.href} redirects to ${next.href}, which is not safe. Pull from another mirror.`);
    }
    address = next;
  }
  throw new SourceError(`${url} redirects more than ${MOST_REDIRECTS} times. Pull from another mirror.`);
}

/** fetch says no more than "fetch failed" or "terminated"; the cause knows. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.message || cause?.code || message;
}

/** What WebGPU found wrong. `validation`: with what it was asked to do, as against its own troubles. */
export interface ScopeFailure {
  readonly message: string;
  readonly validation: boolean;
}

/**
 * Runs `work`, which must not wait: scopes are a stack that a caller's device shares with the caller. `failure` tells
 * what WebGPU found wrong with it, null where nothing.
 */
export function scoped<T>(
  device: GPUDevice,
  work: () => T,
): { readonly value: T; readonly failure: Promise<ScopeFailure | null> } {
  const filters = ["validation", "out-of-memory", "internal"] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  const pop = async () => {
    // The last one pushed comes first.
    const errors = await Promise.all(filters.map(() => device.popErrorScope()));
    const at = errors.findIndex((error) => error !== null);
    return at < 0 ? null : { message: errors[at]!.message, validation: at === filters.length - 1 };
  };
  try {
    const value = work();
    return { value, failure: pop() };
  } catch (error) {
    pop().catch(() => {});
    throw error;
  }
}

/**
 * Works on items, at most `ahead` at a time, and gives the results in the items' order. The next item is not asked for while
 * that many are under way or wait for their reader. A result does not wait for the item after it.
 */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : (items as Iterable<T>)[Symbol.iterator]();
  const started: Promise<R>[] = [];
  let asked: Promise<Came<T>> | null = null;
  let ended = false;
  try {
    for (;;) {
      if (!ended && started.length < ahead) asked ??= next(iterator);
      const [first] = started;
      if (!asked && !first) return;
      const came = asked && (first ? await Promise.race([asked, first.then(nothing, nothing)]) : await asked);
      if (!came) {
        started.shift();
        yield await first!;
        continue;
      }
      asked = null;
      if ("value" in came) started.push(settledLater(work(came.value)));
      else {
        ended = true;
        // A source's error has its turn behind the items that came before it.
        if ("error" in came) started.push(settledLater(Promise.reject(came.error)));
      }
    }
  } finally {
    if (!ended) {
      // A reader that leaves must not wait for an item that is still to come.
      const left = Promise.resolve(asked?.then(nothing, nothing)).then(() => iterator.return?.());
      if (asked) left.catch(nothing);
      else await left;
    }
  }
}

type Came<T> = { readonly value: T } | { readonly error: unknown } | { readonly done: true };

async function next<T>(iterator: AsyncIterator<T> | Iterator<T>): Promise<Came<T>> {
  try {
    const { done, value } = await iterator.next();
    return done ? { done } : { value };
  } catch (error) {
    return { error };
  }
}

const nothing = () => null;

/** A failure that comes before its turn is no unhandled one. */
function settledLater<R>(result: Promise<R>): Promise<R> {
  result.catch(nothing);
  return result;
}

import { type Dim, isBatch, type View } from "../views.js";

/** The view with some indices in the place of one. */
export function substitute(view: View, old: Dim, by: readonly Dim[]): View {
  const change = (list: readonly Dim[]) => list.flatMap((dim) => (dim === old ? by : [dim]));
  const [height, width, channels] = view.places.map(change) as [Dim[], Dim[], Dim[]];
  return { ...view, places: [height, width, channels], axes: view.axes.map(change) };
}

/** Axes under another shape of the same count, by splitting indices; null where an index would have to be joined across a border. */
export function regrouped(view: View, shape: readonly number[]): View | null {
  let found = view;
  const axes: Dim[][] = [];
  let at = 0;
  for (const extent of shape) {
    const axis: Dim[] = [];
    for (let left = extent; left > 1; ) {
      const next = found.axes.flat()[at];
      if (!next) return null;
      let taken = next;
      if (next.extent > left) {
        if (next.extent % left || isBatch(next)) return null;
        taken = { extent: left };
        found = substitute(found, next, [taken, { extent: next.extent / left }]);
      }
      if (left % taken.extent) return null;
      left /= taken.extent;
      axis.push(taken);
      at++;
    }
    axes.push(axis);
  }
  return { ...found, axes };
}

/**
 * Splits the indices of two axes of equal extent until each of one has its equal in the other; null where there is no such split.
 * The result is one view's, and the other's indices renamed to the first one's.
 */
export function paired(one: View, other: View, axisOne: number, axisOther: number): [View, View] | null {
  let [a, b] = [one, other];
  for (let at = 0; ; at++) {
    const [x, y] = [a.axes[axisOne]![at], b.axes[axisOther]![at]];
    if (!x && !y) return [a, b];
    if (!x || !y) return null;
    if (x === y) continue;
    if (isBatch(x) || isBatch(y)) return null;
    const least = Math.min(x.extent, y.extent);
    if (x.extent % least || y.extent % least) return null;
    if (x.extent > least) a = substitute(a, x, [{ extent: least }, { extent: x.extent / least }]);
    const common = a.axes[axisOne]![at]!;
    b = substitute(b, y, y.extent > least ? [common, { extent: y.extent / least }] : [common]);
  }
}

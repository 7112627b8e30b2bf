// Similarity search among 100,000 vectors of 512 values, as pooled features are, one thread: npm run bench:nearest (after npm run build)
import { createGallery } from "../dist/teach-node.js";
import { median } from "./median.mjs";

const [VECTORS, DIMENSION, QUERIES] = [100_000, 512, 40];

let state = 1;
/** Half of its values are 0, the others lie between 0 and 1: a linear congruential generator. */
function pooled() {
  return Float32Array.from({ length: DIMENSION }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.max(0, state / 2 ** 31);
  });
}

const gallery = await createGallery(DIMENSION);
for (let index = 0; index < VECTORS; index++) gallery.add(pooled());
const times = Array.from({ length: QUERIES }, () => {
  const query = pooled();
  const start = performance.now();
  gallery.nearest(query, 10);
  return performance.now() - start;
});
console.log(
  `ten nearest of ${VECTORS} vectors of ${DIMENSION}: ${median(times).toFixed(1)} ms, at least ${Math.min(...times).toFixed(1)} (${QUERIES} queries)`,
);

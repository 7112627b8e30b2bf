// Puts the functions of a WebAssembly module in an order in which gzip finds most of what repeats: it looks back 32 KB, and tiles of one
// kind are much alike. What they do stays as it is.

import { deflateRawSync, gzipSync } from "node:zlib";
import binaryen from "binaryen";

/** Bytes of a function below which its place does not matter. */
const SMALL = 200;
/** How much the last function but one counts, beside the last one, when the next is chosen: each is tried. */
const EARLIER = [0, 0.5, 1];

/** The same module, or the given bytes where no order is smaller. */
export function orderFunctions(bytes) {
  const bodies = bodiesOf(roundTrip(bytes, (names) => names));
  const large = [...bodies.keys()].filter((index) => bodies[index].length > SMALL);
  const small = [...bodies.keys()].filter((index) => bodies[index].length <= SMALL);
  const saved = savings(bodies, large);
  let best = [];
  let least = Number.POSITIVE_INFINITY;
  for (const earlier of EARLIER) {
    for (const first of large) {
      const order = [...chain(first, large, saved, earlier), ...small];
      const size = gzipped(Buffer.concat(order.map((index) => bodies[index])));
      if (size < least) [best, least] = [order, size];
    }
  }
  const ordered = roundTrip(bytes, (names) => best.map((index) => names[index]));
  return gzipped(ordered) < gzipped(bytes) ? ordered : bytes;
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** The module with its functions in the order that `order` gives their names. */
function roundTrip(bytes, order) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  const infos = new Map();
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    // Imported ones have no body.
    if (!info.base) infos.set(info.name, info);
  }
  for (const name of order([...infos.keys()])) {
    const { params, results, vars, body } = infos.get(name);
    module.removeFunction(name);
    module.addFunction(name, params, results, vars, body);
  }
  if (!module.validate()) throw new Error("The module with its functions in another order is not valid.");
  const ordered = module.emitBinary();
  module.dispose();
  return Buffer.from(ordered);
}

/** Each function's bytes, from the section of code. */
function bodiesOf(bytes) {
  const CODE = 10;
  let at = 8;
  // An unsigned integer of seven bits a byte.
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  for (;;) {
    const section = bytes[at++];
    const length = number();
    if (section === CODE) break;
    at += length;
  }
  return Array.from({ length: number() }, () => {
    const length = number();
    at += length;
    return bytes.subarray(at - length, at);
  });
}

/** What a function takes less when it is compressed behind another one: [before][behind]. */
function savings(bodies, indices) {
  const size = (bytes) => deflateRawSync(bytes).length;
  const alone = new Map(indices.map((index) => [index, size(bodies[index])]));
  const saving = (before, behind) =>
    alone.get(before) + alone.get(behind) - size(Buffer.concat([bodies[before], bodies[behind]]));
  return new Map(indices.map((before) => [before, new Map(indices.map((behind) => [behind, saving(before, behind)]))]));
}

/** From `first` on the one that saves most behind those before it. */
function chain(first, indices, saved, earlier) {
  const order = [first];
  const left = new Set(indices);
  left.delete(first);
  while (left.size > 0) {
    const [last, other] = [order.at(-1), order.at(-2)];
    const worth = (index) =>
      saved.get(last).get(index) + (other === undefined ? 0 : earlier * saved.get(other).get(index));
    const next = [...left].reduce((best, index) => (worth(index) > worth(best) ? index : best));
    order.push(next);
    left.delete(next);
  }
  return order;
}

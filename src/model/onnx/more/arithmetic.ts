import { reshaped } from "../constants.js";
import type { Operator } from "../mapper.js";
import { isView, type Value } from "../mapper.js";
import { isFloat } from "../proto.js";
import { axisOf } from "../shapes.js";
import { shapeOf } from "../views.js";
import { combine } from "./tensors.js";

export const arithmetic =
  (name: "add" | "subtract" | "multiply" | "divide", takesIntegers = false): Operator =>
  (it, node) => {
    const one = it.input(0);
    let other = it.input(1);
    if (!takesIntegers && !isFloat(one.type)) throw it.refuse("it computes with integers");
    // Before version 7 the other's axes are those from a stated one on.
    const rank = (value: Value) => (isView(value) ? value.axes : value.shape).length;
    const behind = node.has("axis") ? rank(one) - axisOf(node.integer("axis", 0), rank(one), node) - rank(other) : 0;
    if (behind > 0) {
      const shape = [...(isView(other) ? shapeOf(other) : other.shape), ...Array(behind).fill(1)];
      other = isView(other) ? it.reshape(other, shape) : reshaped(other, shape, it.work);
    }
    return combine(it, name, one, other);
  };

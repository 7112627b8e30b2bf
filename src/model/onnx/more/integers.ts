import type { Mapper, Operator } from "../mapper.js";
import { isFloat, Type } from "../proto.js";
import type { View } from "../views.js";
import { arithmetic } from "./arithmetic.js";
import { combine, scaled } from "./tensors.js";

type Name = Parameters<typeof arithmetic>[0];

/** As `arithmetic`, also of bytes, which begin again where they end. */
export const integers =
  (name: Name): Operator =>
  (it, node) => {
    const view = arithmetic(name, true)(it, node) as View;
    if (isFloat(view.type)) return view;
    if (view.type !== Type.u8)
      throw it.refuse("it computes with integers of another type than u8, which are no constants");
    const { type } = view;
    if (name === "divide") return { ...below(it, view), type };
    const positive = name === "subtract" ? scaled(it, view, 1, 256) : view;
    const over = scaled(it, below(it, scaled(it, positive, 1 / 256, 0)), 256, 0);
    return { ...combine(it, "subtract", positive, over), type };
  };

/** The whole number below: the nearest one to a little more than a half less. */
function below(it: Mapper, view: View): View {
  return it.activation(scaled(it, view, 1, 2 ** -10 - 0.5), "quantize", { alpha: 1, beta: 0, signed: false });
}

import { expect, test } from "vitest";
import { planMemory } from "../../src/cpu/reserve.js";
import type { Op } from "../../src/graph/network.js";
import { networkOf } from "./one-operation.js";

test.each([{ kind: "fourier" }, { kind: "activation", function: "fourier" }])(
  "what has no kernel is refused by its name, not left out: $kind",
  (fields) => {
    const op = { ...fields, name: "op", inputs: [1], output: 2 } as unknown as Op;
    const shape = { height: 4, width: 4, channels: 4 };
    expect(() => planMemory(networkOf(op, [{ ...shape, channels: 3 }, shape, shape]))).toThrow(
      expect.objectContaining({ name: "UnsupportedModelError", message: expect.stringContaining('"fourier"') }),
    );
  },
);

import { UnsupportedModelError } from "../../errors.js";

/** A graph has something of `more/`, which was not loaded: pictures of the graph's own size do without. */
export class NeedsMore extends UnsupportedModelError {
  constructor() {
    super(
      "The ONNX graph cannot be read for pictures of this size: leave inputSize to the file, or export it for this size.",
    );
  }
}

import { UnsupportedModelError } from "../../errors.js";

/** A graph has something of `more/`, which was not loaded: it was read for pictures of a size that does without. */
export class NeedsMore extends UnsupportedModelError {
  constructor() {
    super("The ONNX graph was read for pictures of another size: read it with this inputSize.");
  }
}

// A Worker of Cloudflare's: modules of WebAssembly are imported, for nothing may be compiled at run time.
import { loadClassifier, loadModel } from "resnet-edge";
import { probe } from "../probe.js";
import wasm from "./cpu-int8-baseline.wasm";
import model from "./model.bin";

export default {
  async fetch() {
    const options = { wasm, simd: "baseline", threads: 1, worker: false };
    return Response.json(await probe({ loadClassifier, loadModel }, { model, options }));
  },
};

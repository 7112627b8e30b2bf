export { noteFirstBytes } from "./gemm/ahead";
export { packIntegers } from "./int8/pack";
export { packPanel, packWinograd } from "./pack/pack";
export { peak } from "./measure/peak";
export { run, runTogether, serve } from "./interpreter/program";
export { trial } from "./measure/trial";

export { packPanel, packWinograd, packWinogradStride2 } from "./pack";
export { peak } from "./peak";
export { run, runTogether, serve } from "./program";
export { packStrassen } from "./strassen";
export { trial } from "./trial";

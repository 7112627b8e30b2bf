export { noteFirstBytes } from "./ahead";
export { packPanel, packWinograd } from "./pack";
export { peak } from "./peak";
export { run, runTogether, serve } from "./program";
export { trial } from "./trial";

// What files need that are not as torchvision writes them, or of which something is stated: loaded where there is one.
export { openNetwork } from "./build.js";

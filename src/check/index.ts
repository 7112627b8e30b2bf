// What a session needs to say its doubts: loaded at the first picture of a model whose structure nobody stated.
export { Watch } from "./watch.js";

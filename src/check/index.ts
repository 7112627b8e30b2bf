// What a session needs to say its doubts: loaded at the first picture of a model whose structure nobody stated, and where there is no answer.
export { noAnswer } from "./no-answer.js";
export { Watch } from "./watch.js";

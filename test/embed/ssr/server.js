// As Next and its like do: the module is imported where pages are rendered, and used where they are shown.
import "resnet-edge";

export function render() {
  return '<!doctype html><title>rendered</title><p>What is this?</p><script type="module" src="./main.js"></script>';
}

if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith("server.js")) process.stdout.write(render());

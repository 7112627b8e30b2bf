const worker = new Worker("./classify.js", { type: "module" });
worker.onmessage = ({ data }) => {
  document.title = data;
};
worker.postMessage("/photo.jpg");

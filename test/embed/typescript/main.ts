import {
  type BrowserImage,
  type Classifier,
  type LoadOptions,
  loadClassifier,
  loadModel,
  type Prediction,
  ResnetEdgeError,
} from "resnet-edge";

const options: LoadOptions = {
  device: "auto",
  threads: 2,
  onProgress: ({ phase, loaded }) => console.log(phase, loaded),
};

export async function label(image: Blob, signal: AbortSignal): Promise<string> {
  const classifier: Classifier<BrowserImage> = await loadClassifier(undefined, options);
  try {
    const predictions: Prediction[] = await classifier.classify(image, { topK: 1, signal });
    return predictions[0]?.label ?? "nothing";
  } catch (error) {
    if (error instanceof ResnetEdgeError) return error.message;
    throw error;
  } finally {
    await classifier.close();
  }
}

export async function logits(source: URL, input: Float32Array): Promise<Float32Array> {
  const model = await loadModel(source);
  const [, channels, height, width] = model.input.shape;
  if (input.length !== channels * height * width) throw new RangeError("one image");
  return (await model.run(input)).logits;
}

// @ts-expect-error: there is no such device.
export const wrong: LoadOptions = { device: "tpu" };

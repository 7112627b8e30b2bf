import labelsOfImagenet from "../catalogue/imagenet-labels.json" with { type: "json" };

/** ImageNet's 1,000 classes in torchvision's order: 10 KB that are loaded when they are asked for. */
export const labels = async (): Promise<readonly string[]> => labelsOfImagenet;

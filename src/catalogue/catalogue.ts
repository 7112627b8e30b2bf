import type { Preprocess } from "../options.js";

/** A public checkpoint: where it is, what it is, and how its images are prepared. */
export interface Checkpoint {
  readonly name: string;
  readonly url: string;
  readonly parameters: number;
  /** Share of ImageNet's validation images whose first answer is right, as published, in percent; null where not stated. */
  readonly top1: number | null;
  readonly licence: string;
  readonly preprocess: Partial<Preprocess>;
  /** First hex digits of the file's SHA-256, as its publisher wrote them into the name; null: the host is asked. */
  readonly sha256: string | null;
}

const TORCHVISION = "https://download.pytorch.org/models/";

/** Facts from torchvision's own table of weights: address, parameters, accuracy, and the resize before the crop of 224. */
function torchvision(name: string, file: string, parameters: number, top1: number, resize = 256): Checkpoint {
  const [, sha256 = null] = /-([0-9a-f]{8})\.pth$/.exec(file) ?? [];
  const preprocess = { resize, interpolation: "bilinear" } as const;
  const licence = "BSD-3-Clause; trained on ImageNet, whose terms are for research";
  return { name, url: TORCHVISION + file, parameters, top1, licence, preprocess, sha256 };
}

/** timm's own training recipes (Wightman et al. 2021): bicubic, 95 % of the resized side, 224 pixels. */
function timm(name: string, parameters: number): Checkpoint {
  const url = `https://huggingface.co/timm/${name}/resolve/main/model.safetensors`;
  const preprocess = { resize: 235, interpolation: "bicubic" } as const;
  const licence = "Apache-2.0; trained on ImageNet, whose terms are for research";
  return { name: `timm/${name}`, url, parameters, top1: null, licence, preprocess, sha256: null };
}

export const catalogue: readonly Checkpoint[] = [
  torchvision("resnet18", "resnet18-f37072fd.pth", 11_689_512, 69.758),
  torchvision("resnet34", "resnet34-b627a593.pth", 21_797_672, 73.314),
  torchvision("resnet50", "resnet50-11ad3fa6.pth", 25_557_032, 80.858, 232),
  torchvision("resnet50-v1", "resnet50-0676ba61.pth", 25_557_032, 76.13),
  torchvision("resnet101", "resnet101-cd907fc2.pth", 44_549_160, 81.886, 232),
  torchvision("resnet101-v1", "resnet101-63fe2227.pth", 44_549_160, 77.374),
  torchvision("resnet152", "resnet152-f82ba261.pth", 60_192_808, 82.284, 232),
  torchvision("resnet152-v1", "resnet152-394f9c45.pth", 60_192_808, 78.312),
  torchvision("resnext50_32x4d", "resnext50_32x4d-1a0047aa.pth", 25_028_904, 81.198, 232),
  torchvision("resnext50_32x4d-v1", "resnext50_32x4d-7cdf4587.pth", 25_028_904, 77.618),
  torchvision("resnext101_32x8d", "resnext101_32x8d-110c445d.pth", 88_791_336, 82.834, 232),
  torchvision("resnext101_32x8d-v1", "resnext101_32x8d-8ba56ff5.pth", 88_791_336, 79.312),
  torchvision("resnext101_64x4d", "resnext101_64x4d-173b62eb.pth", 83_455_272, 83.246, 232),
  torchvision("wide_resnet50_2", "wide_resnet50_2-9ba9bcbe.pth", 68_883_240, 81.602, 232),
  torchvision("wide_resnet50_2-v1", "wide_resnet50_2-95faca4d.pth", 68_883_240, 78.468),
  torchvision("wide_resnet101_2", "wide_resnet101_2-d733dc28.pth", 126_886_696, 82.51, 232),
  torchvision("wide_resnet101_2-v1", "wide_resnet101_2-32ee1156.pth", 126_886_696, 78.848),
  timm("resnet18.a1_in1k", 11_689_512),
  timm("resnet34.a1_in1k", 21_797_672),
  timm("resnet50.a1_in1k", 25_557_032),
  timm("resnet101.a1_in1k", 44_549_160),
  timm("resnet152.a1_in1k", 60_192_808),
];

export const findCheckpoint = (name: string) => catalogue.find((it) => it.name === name) ?? null;

import type { Preprocess } from "../options.js";

/** A public checkpoint: where it is, what it is, and how its images are prepared. */
export interface Checkpoint {
  readonly name: string;
  readonly url: string;
  readonly parameters: number;
  /** The file's size as its publisher states it, to a thousandth of a MiB; null: not stated, four bytes a parameter. */
  readonly mebibytes: number | null;
  /** Share of ImageNet's validation images whose first answer is right, at 224 pixels, as published, in percent. */
  readonly top1: number;
  readonly licence: string;
  readonly preprocess: Pick<Preprocess, "crop" | "resize" | "interpolation">;
  /** First hex digits of the file's SHA-256, as its publisher wrote them into the name; null: the host is asked. */
  readonly sha256: string | null;
}

const TORCHVISION = "https://download.pytorch.org/models/";

/** Facts from torchvision's own tables of weights (models/resnet.py, mobilenetv2.py ...): address, parameters, size, accuracy, resize. */
function torchvision(
  name: string,
  file: string,
  parameters: number,
  mebibytes: number,
  top1: number,
  resize = 256,
  interpolation: "bilinear" | "bicubic" = "bilinear",
): Checkpoint {
  const [, sha256 = null] = /-([0-9a-f]{8,10})\.pth$/.exec(file) ?? [];
  const preprocess = { crop: 224, resize, interpolation } as const;
  const licence = "BSD-3-Clause; trained on ImageNet, whose terms are for research";
  return { name, url: TORCHVISION + file, parameters, mebibytes, top1, licence, preprocess, sha256 };
}

/** timm's configurations (models/resnet.py) and model cards: a crop of 0.95 or, in older recipes, of 0.875; bicubic. */
function timm(name: string, millions: number, top1: number, crop: 0.95 | 0.875): Checkpoint {
  const url = `https://huggingface.co/timm/${name}/resolve/main/model.safetensors`;
  const preprocess = { crop: 224, resize: Math.floor(224 / crop), interpolation: "bicubic" } as const;
  const licence = "Apache-2.0; trained on ImageNet, whose terms are for research";
  const parameters = millions * 1e6;
  return { name: `timm/${name}`, url, parameters, mebibytes: null, top1, licence, preprocess, sha256: null };
}

export const catalogue: readonly Checkpoint[] = [
  torchvision("resnet18", "resnet18-f37072fd.pth", 11_689_512, 44.661, 69.758),
  torchvision("resnet34", "resnet34-b627a593.pth", 21_797_672, 83.275, 73.314),
  torchvision("resnet50", "resnet50-11ad3fa6.pth", 25_557_032, 97.79, 80.858, 232),
  torchvision("resnet50-v1", "resnet50-0676ba61.pth", 25_557_032, 97.781, 76.13),
  torchvision("resnet101", "resnet101-cd907fc2.pth", 44_549_160, 170.53, 81.886, 232),
  torchvision("resnet101-v1", "resnet101-63fe2227.pth", 44_549_160, 170.511, 77.374),
  torchvision("resnet152", "resnet152-f82ba261.pth", 60_192_808, 230.474, 82.284, 232),
  torchvision("resnet152-v1", "resnet152-394f9c45.pth", 60_192_808, 230.434, 78.312),
  torchvision("resnext50_32x4d", "resnext50_32x4d-1a0047aa.pth", 25_028_904, 95.833, 81.198, 232),
  torchvision("resnext50_32x4d-v1", "resnext50_32x4d-7cdf4587.pth", 25_028_904, 95.789, 77.618),
  torchvision("resnext101_32x8d", "resnext101_32x8d-110c445d.pth", 88_791_336, 339.673, 82.834, 232),
  torchvision("resnext101_32x8d-v1", "resnext101_32x8d-8ba56ff5.pth", 88_791_336, 339.586, 79.312),
  torchvision("resnext101_64x4d", "resnext101_64x4d-173b62eb.pth", 83_455_272, 319.318, 83.246, 232),
  torchvision("wide_resnet50_2", "wide_resnet50_2-9ba9bcbe.pth", 68_883_240, 263.124, 81.602, 232),
  torchvision("wide_resnet50_2-v1", "wide_resnet50_2-95faca4d.pth", 68_883_240, 131.82, 78.468),
  torchvision("wide_resnet101_2", "wide_resnet101_2-d733dc28.pth", 126_886_696, 484.747, 82.51, 232),
  torchvision("wide_resnet101_2-v1", "wide_resnet101_2-32ee1156.pth", 126_886_696, 242.896, 78.848),
  torchvision("mobilenet_v2", "mobilenet_v2-7ebf99e0.pth", 3_504_872, 13.598, 72.154, 232),
  torchvision("mobilenet_v2-v1", "mobilenet_v2-b0353104.pth", 3_504_872, 13.555, 71.878),
  torchvision("mobilenet_v3_large", "mobilenet_v3_large-5c1a4163.pth", 5_483_032, 21.107, 75.274, 232),
  torchvision("mobilenet_v3_large-v1", "mobilenet_v3_large-8738ca79.pth", 5_483_032, 21.114, 74.042),
  torchvision("mobilenet_v3_small", "mobilenet_v3_small-047dcff4.pth", 2_542_856, 9.829, 67.668),
  torchvision("efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc.pth", 5_288_548, 20.451, 77.692, 256, "bicubic"),
  torchvision("mnasnet1_0", "mnasnet1.0_top1_73.512-f206786ef8.pth", 4_383_312, 16.915, 73.456),
  timm("resnet18.a1_in1k", 11.7, 71.49, 0.95),
  timm("resnet18d.ra2_in1k", 11.7, 72.26, 0.875),
  timm("resnet34.a1_in1k", 21.8, 76.42, 0.95),
  timm("resnet34d.ra2_in1k", 21.8, 77.1, 0.875),
  timm("resnet50.a1_in1k", 25.6, 80.38, 0.95),
  timm("resnet50.c2_in1k", 25.6, 79.88, 0.95),
  timm("resnet50d.ra2_in1k", 25.6, 80.53, 0.875),
  timm("resnet101.a1_in1k", 44.6, 81.5, 0.95),
  timm("resnet101.a1h_in1k", 44.6, 81.93, 0.95),
  timm("resnet152.a1_in1k", 60.2, 81.97, 0.95),
  timm("resnet152.a1h_in1k", 60.2, 82.8, 0.95),
  timm("resnext50_32x4d.a1h_in1k", 25, 81.1, 0.95),
  timm("resnext101_64x4d.c1_in1k", 83.5, 82.46, 0.95),
  timm("wide_resnet50_2.racm_in1k", 68.9, 81.45, 0.875),
];

export const findCheckpoint = (name: string) => catalogue.find((it) => it.name === name) ?? null;

/** What a rounded count of parameters, BatchNorm's statistics and a header may add to four bytes a parameter. */
const ABOUT = 1e6;

/** The file's bytes, and how far off that may be. */
export function sizeOf({ mebibytes, parameters }: Checkpoint): { bytes: number; within: number } {
  return mebibytes === null
    ? { bytes: 4 * parameters, within: ABOUT }
    : { bytes: Math.round(mebibytes * 2 ** 20), within: 0.0005 * 2 ** 20 + 1 };
}

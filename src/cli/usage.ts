export const usage = `Usage:
  resnet-edge classify IMAGE...    classes of images; a folder is a set of images
  resnet-edge inspect [MODEL]      architecture, stages, parameters, MACs, memory
  resnet-edge check MODEL IMAGE... do structure and preprocessing fit the weights' own statistics?
  resnet-edge quantize MODEL       the same model in a quarter of the bytes, and how near it stays
  resnet-edge bench                times by stage and by kernel
  resnet-edge pull NAME...         public checkpoints, into the cache; --list shows them

Model (the bundled ResNet-20 of 110 classes unless given):
  --model PATH|URL|NAME   safetensors, .pth/.pt/.th, or a Hugging Face folder
  --architecture NAME|K=V|JSON   overrides what names and shapes say: strideIn=1x1,activation=silu
  --labels FILE           class names, one a line
  --input-size N|HxW      side of the network's input in pixels
  --preprocess K=V|JSON   where the file says none: resize, crop, mode=center|squash|border, interpolation, mean, std
  --resize N|HxW, --mean R,G,B, --std R,G,B    the same, one by one
Running:
  --device auto|cpu|gpu   --threads N|auto   --simd auto|baseline|relaxed
  --memory fast|small     --convolution auto|direct|winograd2|winograd4|winograd4-lean
  --tile auto|4x8|6x8|6x16   rows by columns of the matrix product (docs/kernels.md)
  --precision f32|f16     f32: a file of integers in float; f16: storage on the GPU   (classify, inspect, bench)
classify:
  --top-k K (5)   --min-score S (0)   --json   --logits
quantize:
  --images DIR   --output FILE   --calibration N (half of DIR, at most 100)   --evaluate DIR (the rest of DIR)
  --dtype int8|int8-weights|f16|bf16   --json
inspect:
  --records               what the CPU would run, with --memory, --convolution, --tile, --threads   --json
bench:
  --arch NAME (repeatable; needs no file)   --runs N (20)   --json
pull:
  --list   --from URL (a mirror)   --json
Other:
  --json   --debug   --help
`;

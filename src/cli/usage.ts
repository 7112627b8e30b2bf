import type { CommandName } from "./options.js";

const model = `Model (the bundled ResNet-20 of 110 classes unless given):
  --model PATH|URL|NAME   safetensors, .pth/.pt/.th, or a Hugging Face folder
  --architecture NAME|K=V|JSON   overrides what names and shapes say: strideIn=1x1,activation=silu
  --labels FILE           class names, one a line
  --input-size N|HxW      side of the network's input in pixels
  --preprocess K=V|JSON   where the file says none: resize, crop, mode=center|squash|border, interpolation, mean, std
  --resize N|HxW, --mean R,G,B, --std R,G,B    the same, one by one
`;

const running = `Running:
  --device auto|cpu|gpu   --threads N|auto   --simd auto|baseline|relaxed
  --memory fast|small     --convolution auto|direct|winograd2|winograd4|winograd4-lean
  --tile auto|4x8|6x8|6x16   rows by columns of the matrix product (docs/kernels.md)
`;

const precision = `  --precision f32|f16     f32: a file of integers in float; f16: storage on the GPU
`;

const other = `Other:
  --json   --debug   --help   --version
`;

const lines: Readonly<Record<CommandName, string>> = {
  classify: "resnet-edge classify IMAGE...    classes of images; a folder is a set of images",
  inspect: "resnet-edge inspect [MODEL]      architecture, stages, parameters, MACs, memory",
  check: "resnet-edge check MODEL IMAGE... do structure and preprocessing fit the weights' own statistics?",
  quantize: "resnet-edge quantize MODEL       the same model in a quarter of the bytes, and how near it stays",
  convert: "resnet-edge convert MODEL        the same model as .safetensors or .onnx",
  embed: "resnet-edge embed IMAGE...       features of images, to a file of vectors",
  explain: "resnet-edge explain IMAGE        where in a picture the evidence for a class lies",
  teach: "resnet-edge teach DIR            a model of your own classes: DIR has a folder of pictures for each",
  bench: "resnet-edge bench [IMAGE...]     times by stage and by kernel, and of pictures end to end",
  pull: "resnet-edge pull NAME...         public checkpoints, into the cache; --list shows them",
};

const own: Readonly<Record<CommandName, string>> = {
  classify: `Images:
  IMAGE                   a file, a folder, a quoted pattern ('photos/**/*.jpg'), an http(s) address, or - for a list on stdin
  --recursive, -r         folders within folders, too
  --decode exact|fast     fast: large JPEGs at a half, a quarter or an eighth of their size (docs/pictures.md)
Results:
  --top-k K (5)   --min-score S (0)   --json   --logits
  --output FILE.jsonl|.csv|.parquet   to a file; the same command goes on where one was ended, and does changed files again
  --sort DIR [--link]     copies, or links, of the images in a folder for each class
  --max-errors N          stops once N images have failed
`,
  inspect: `inspect:
  --records               what the CPU would run, with --memory, --convolution, --tile, --threads   --json
`,
  check: "",
  quantize: `quantize:
  --images DIR   --output FILE   --calibration N (half of DIR, at most 100)   --evaluate DIR (the rest of DIR)
  --dtype int8|int8-weights|f16|bf16   --json
`,
  convert: `convert:
  --output FILE.safetensors|FILE.onnx   --json
`,
  embed: `embed:
  --output FILE.npy|.jsonl|.parquet
`,
  explain: `explain:
  --output FILE.png   --index N (the best class)   --method auto|cam|occlusion   --json
`,
  teach: `teach:
  --output FILE.safetensors   --holdout SHARE (0)   --json
`,
  bench: `bench:
  --arch NAME (repeatable; needs no file)   --runs N (20)   --json   --markdown
  IMAGE...                pictures to time from their files' bytes to logits
  --sustained SECONDS     one inference after the other (300 shows throttling); Ctrl-C ends it
  --compare K=V (repeatable)   configurations in turns: name=, threads=, simd=, memory=, convolution=, tile=
  --rounds N (20)         turns of each of them
`,
  pull: `pull:
  --list   --from URL (a mirror)   --json
`,
};

/** What `--help` shows of all commands. */
export const usage = `Usage:
${Object.values(lines)
  .map((line) => `  ${line}\n`)
  .join("")}  resnet-edge help COMMAND         its options

${model}${running}${precision.trimEnd()}   (but for check, quantize, convert)
${other}`;

/** What `--help` shows of one command. */
export function helpOf(command: CommandName): string {
  const engine = command === "convert" ? "" : command === "quantize" ? quantizeRunning : running;
  const about = command === "pull" ? "" : model + engine;
  const more = ["check", "quantize", "convert", "pull"].includes(command) ? "" : precision;
  return `Usage:\n  ${lines[command]}\n\n${own[command]}${about}${more}${other}`;
}

/** It computes by kernels that round alike everywhere: there is nothing to choose. */
const quantizeRunning = `Running:
  --threads N|auto   --simd auto|baseline|relaxed
`;

"""Writes expected.json: what the bundled model answers, by PyTorch in f64, to the pixels of probe.js and to examples/photos.

    python test/hosts/expected.py

`integers`: as the file is meant (docs/models.md), values rounded where it says so; `float`: with no value rounded.
"""
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open

root = pathlib.Path(__file__).parent / "../.."
tensors = {}
with safe_open(root / "models/cifar110-resnet20x2.int8.safetensors", "pt") as file:
    card = json.loads(file.metadata()["resnet-edge"])
    for name in file.keys():
        tensors[name] = file.get_tensor(name).double()

widths = card["architecture"]["widths"]
labels = card["labels"]


def weight(name):
    scale = tensors.get(f"{name}.weight_scale", torch.ones(1).double())
    values = tensors[f"{name}.weight"]
    return values * scale.reshape(-1, *[1] * (values.dim() - 1))


def network(x, rounds):
    def stored(y, name, relu):
        y = F.relu(y) if relu else y
        scale = tensors.get(f"{name}.output_scale")
        if not rounds or scale is None:
            return y
        # What the layer behind the image leaves is kept in eight bits, without a sign.
        return torch.clamp(y / scale, -127, 255 if name == "conv1" else 127).round() * scale

    def conv(x, name, stride=1):
        kernel = weight(name)
        return F.conv2d(x, kernel, tensors[f"{name}.bias"], stride, kernel.shape[-1] // 2)

    x = stored(conv(x, "conv1"), "conv1", True)
    for layer in range(1, len(widths) + 1):
        for at in range(card["architecture"]["layers"][layer - 1]):
            block = f"layer{layer}.{at}"
            stride = 2 if layer > 1 and at == 0 else 1
            y = stored(conv(x, f"{block}.conv1", stride), f"{block}.conv1", True)
            if f"{block}.downsample.0.weight" in tensors:
                x = stored(conv(x, f"{block}.downsample.0", stride), f"{block}.downsample.0", False)
            x = stored(conv(y, f"{block}.conv2") + x, f"{block}.conv2", True)
    x = x.mean((2, 3))
    if rounds:
        # In 64ths of the steps of what the pool reads.
        scale = tensors[f"{block}.conv2.output_scale"] / 64
        x = (x / scale).round() * scale
    return F.linear(x, weight("fc"), tensors["fc.bias"])[0]


def normalised(pixels):
    """[32, 32, 3] bytes as the network's input, [1, 3, 32, 32]."""
    mean, std = (torch.tensor(card["preprocess"][it]).double()[:, None, None] for it in ("mean", "std"))
    return ((torch.as_tensor(pixels).double().permute(2, 0, 1) / 255 - mean) / std)[None]


def shrunk(path):
    """torchvision's Resize(32) and CenterCrop(32) on a PIL image."""
    image = Image.open(path).convert("RGB")
    short = min(image.size)
    width, height = (32 if side == short else int(32 * side / short) for side in image.size)
    left, top = round((width - 32) / 2), round((height - 32) / 2)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    return numpy.array(image.crop((left, top, left + 32, top + 32)))


def rounded(values):
    return [round(v, 6) for v in values.tolist()]


pixels = torch.tensor([(i * 7919) % 256 for i in range(3072)], dtype=torch.float64).reshape(32, 32, 3)
found = {}
for name, rounds in ("integers", True), ("float", False):
    logits = network(normalised(pixels), rounds)
    found[name] = {"logits": rounded(logits), "scores": rounded(logits.softmax(0)), "photos": {}}
    for path in sorted((root / "examples/photos").glob("*.[jp][pn]g")):
        best = network(normalised(shrunk(path)), rounds).softmax(0).topk(5)
        answers = zip(best.indices.tolist(), rounded(best.values))
        found[name]["photos"][path.name] = [{"label": labels[at], "score": score} for at, score in answers]
(root / "test/hosts/expected.json").write_text(json.dumps(found) + "\n")

#!/usr/bin/python3
"""Compares a taught model in torchvision with the command, on pictures that need no resize.

    resnet-edge classify CROPS... --model TAUGHT --resize 224 --device cpu --json --logits > answers.jsonl
    /usr/bin/python3 scripts/check-taught.py TAUGHT answers.jsonl

Needs torch, torchvision, safetensors' layout (read here) and Pillow. TAUGHT is of a ResNet-18 backbone.
"""

import json
import pathlib
import struct
import sys

import torch
import torchvision
from PIL import Image


def main():
    data = pathlib.Path(sys.argv[1]).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    said = json.loads(header.pop("__metadata__")["resnet-edge"])
    state = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        kind = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[entry["dtype"]]
        state[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=kind).reshape(entry["shape"]).double()
    model = torchvision.models.resnet18(num_classes=len(said["labels"])).double()
    model.load_state_dict(state)
    model.eval()
    mean, std = (torch.tensor(said["preprocess"][key], dtype=torch.float64) for key in ("mean", "std"))
    differences, sizes = [], []
    for line in pathlib.Path(sys.argv[2]).read_text().splitlines():
        answer = json.loads(line)
        image = Image.open(answer["image"]).convert("RGB")
        pixels = torch.tensor(list(image.tobytes()), dtype=torch.float64).reshape(image.height, image.width, 3) / 255
        with torch.no_grad():
            expected = model(((pixels - mean) / std).permute(2, 0, 1)[None])[0]
        got = torch.tensor(answer["logits"], dtype=torch.float64)
        differences.append((got - expected).abs().max().item())
        sizes.append(expected.abs().max().item())
    # Two classes have logits near zero where they are equally likely: the largest is that of all pictures.
    worst = max(differences) / max(sizes)
    print(f"largest difference of a logit: {worst:.1e} of the largest, {max(sizes):.2f}")
    sys.exit(worst > 1e-4)


main()

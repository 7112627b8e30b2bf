#!/usr/bin/env python3
"""Does tuning the last stage beat the taught head alone? Ants and bees, ImageNet's ResNet-18, in PyTorch.

    python3 scripts/tune-last-stage.py resnet18.safetensors HYMENOPTERA OUTPUT.json [DRAWS] [PICTURES]

For each seeded draw of PICTURES (10) a class, `resnet-edge teach` makes the head. From there layer4 and the head are trained
together, BatchNorm frozen, on the six views that teaching sees. Rate and number of epochs are chosen by cross-validation
within the draw, from heads that have not seen the part that is left out. What every choice would have had of the pictures
that are tried is told too: nobody could know it, so that it bounds what a better choice could gain. The same command
goes on with draws that OUTPUT.json lacks.
Needs PyTorch, torchvision, safetensors, Pillow, Node and the built command. What reaches layer4 is computed once a picture.
"""
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F
from torchvision.transforms import functional as T

LABELS = ["ants", "bees"]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
RATES = [3e-4, 1e-3]
EPOCHS = [4, 8]  # looked at on one way, with a constant rate
BATCH, MOMENTUM, DECAY = 10, 0.9, 1e-4
FOLDS = 3
# Gradients in bf16 where the processor multiplies such numbers; answers are in f32.
CPU = pathlib.Path("/proc/cpuinfo")
BF16 = CPU.exists() and "bf16" in CPU.read_text()
COMMAND = pathlib.Path(__file__).parent.parent / "bin" / "resnet-edge.js"


def views(path):
    """As src/features/views.ts: the preprocessing's, from nearer, squashed; each followed by its mirror image."""
    image = Image.open(path).convert("RGB")
    for side in 256, 320, None:
        resized = T.resize(image, [224, 224] if side is None else side)
        view = T.normalize(T.to_tensor(T.center_crop(resized, 224)), MEAN, STD)
        yield from (view, view.flip(2))


def frozen(stage):
    """Convolutions learn; BatchNorms are as they came."""
    for module in stage.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval().requires_grad_(False)
    return stage


class Pictures:
    """What reaches layer4, [views, 256, 14, 14], kept."""

    def __init__(self, path):
        self.network = torchvision.models.resnet18()
        self.network.load_state_dict(load_file(path))
        self.network.eval().requires_grad_(False)
        self.kept = {}

    @torch.no_grad()
    def __call__(self, path, every=True):
        if (path, every) not in self.kept:
            of = self.network
            x = torch.stack(list(views(path))[: None if every else 1])
            x = of.maxpool(of.relu(of.bn1(of.conv1(x))))
            self.kept[path, every] = of.layer3(of.layer2(of.layer1(x)))
        return self.kept[path, every]


def stage_of(path):
    network = torchvision.models.resnet18()
    network.load_state_dict(load_file(path))
    network.layer4.train()
    return frozen(network.layer4)


def taught(model, paths):
    """The head that `resnet-edge teach` makes of pictures in folders by class: weights [2, 512] and biases [2]."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path, label in paths:
            (folder / "pictures" / label).mkdir(parents=True, exist_ok=True)
            (folder / "pictures" / label / path.name).symlink_to(path)
        output = folder / "taught.safetensors"
        words = ["node", COMMAND, "teach", folder / "pictures", "--model", model, "--output", output, "--device", "cpu"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        tensors = load_file(output)
        return tensors["fc.weight"].clone(), tensors["fc.bias"].clone()


@torch.no_grad()
def logits(stage, head, inputs):
    return torch.cat([F.linear(stage(part).mean((2, 3)), *head) for part in inputs.split(51)])


def tune(model, head, inputs, classes, rate, tried, seed):
    """Trains layer4 and the head; gives the logits of `tried` after each number of epochs."""
    generator = torch.Generator().manual_seed(seed)
    stage = stage_of(model)
    head = [it.clone().requires_grad_() for it in head]
    parameters = [it for it in stage.parameters() if it.requires_grad] + head
    descent = torch.optim.SGD(parameters, rate, MOMENTUM, weight_decay=DECAY)
    found = []
    for epoch in range(EPOCHS[-1]):
        for chosen in torch.randperm(len(inputs), generator=generator).split(BATCH):
            view = torch.randint(inputs.shape[1], (len(chosen),), generator=generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
                seen = stage(inputs[chosen, view]).float().mean((2, 3))
            loss = F.cross_entropy(F.linear(seen, *head), classes[chosen])
            descent.zero_grad()
            loss.backward()
            descent.step()
        if epoch + 1 in EPOCHS:
            found.append(logits(stage, head, tried))
    return found


def draw(model, pictures, lists, tried, count, seed):
    order = random.Random(seed)
    drawn = [(path, label) for label in LABELS for path in order.sample(lists[label], count)]
    inputs = torch.stack([pictures(path) for path, _ in drawn])
    classes = torch.tensor([LABELS.index(label) for _, label in drawn])
    parts = [index % FOLDS for index in range(len(drawn))]
    options = [(rate, epochs) for rate in RATES for epochs in EPOCHS]
    losses = dict.fromkeys([None, *options], 0.0)
    for part in range(FOLDS):
        left, out = ([i for i, it in enumerate(parts) if (it == part) == whether] for whether in (False, True))
        head = taught(model, [drawn[i] for i in left])
        unseen = inputs[out, 0]
        losses[None] += F.cross_entropy(logits(pictures.network.layer4, head, unseen), classes[out], reduction="sum").item()
        for rate in RATES:
            for epochs, it in zip(EPOCHS, tune(model, head, inputs[left], classes[left], rate, unseen, seed)):
                losses[rate, epochs] += F.cross_entropy(it, classes[out], reduction="sum").item()
    head = taught(model, drawn)
    truth = torch.tensor([own for _, own in tried])
    seen = torch.cat([pictures(path, every=False) for path, _ in tried])
    right = lambda it: (it.argmax(1) == truth).float().mean().item()
    alone = right(logits(pictures.network.layer4, head, seen))
    each = {}
    for rate in RATES:
        for epochs, it in zip(EPOCHS, tune(model, head, inputs, classes, rate, seen, seed)):
            each[rate, epochs] = right(it)
    best = min(options, key=losses.get)
    tuned = each[best]
    return {
        "head": alone,
        "tuned": tuned,
        "chosen": best,
        "better in cross-validation": losses[best] < losses[None],
        "tuned only then": tuned if losses[best] < losses[None] else alone,
        "each": {f"{rate:g} {epochs}": value for (rate, epochs), value in each.items()},
    }


def main(model, folder, output, draws=10, count=10):
    model, folder, output = (pathlib.Path(it).resolve() for it in (model, folder, output))
    pictures = Pictures(model)
    lists = {label: sorted((folder / "train" / label).iterdir()) for label in LABELS}
    tried = [(path, own) for own, label in enumerate(LABELS) for path in sorted((folder / "val" / label).iterdir())]
    found = json.loads(output.read_text())["by draw"] if output.exists() else []
    for seed in range(len(found), draws):
        found.append(draw(model, pictures, lists, tried, count, seed))
        columns = {key: [it[key] for it in found] for key in ["head", "tuned", "tuned only then"]}
        columns |= {key: [it["each"][key] for it in found] for key in found[0]["each"]}
        figures = {key: figures_of(values, columns["head"]) for key, values in columns.items()}
        output.write_text(json.dumps({"pictures a class": count, "figures": figures, "by draw": found}, indent=1) + "\n")
        print(seed, {key: value for key, value in found[-1].items() if key != "each"}, flush=True)


def figures_of(values, heads):
    gains = [value - head for value, head in zip(values, heads)]
    return {
        "mean": statistics.mean(values),
        "deviation": statistics.pstdev(values),
        "gain": statistics.mean(gains),
        "gain's deviation": statistics.pstdev(gains),
    }


if __name__ == "__main__":
    main(*sys.argv[1:4], *(int(it) for it in sys.argv[4:6]))

"""Degradation, to be seen (He et al. 2015, figure 6): plain and residual networks of 20 and 56 layers on CIFAR-10, all by one recipe.

    python3 scripts/train-degradation.py TRAIN.bin TEST.bin OUTPUT [EPOCHS]

TRAIN and TEST are records of CIFAR-10's "binary version"; OUTPUT is a folder. Needs PyTorch and safetensors.
The four are trained in turns of an epoch, and see the same pictures, as they are, in the same order: how well a network can learn
its own pictures by heart is a question of optimisation alone.
After each turn a network's checkpoint and OUTPUT/curves.json are written; the same command goes on from them.
At the end there are OUTPUT/plain-20.safetensors, residual-20, plain-56 and residual-56.
"""
import json
import math
import os
import pathlib
import sys
import time
from multiprocessing import get_context

import numpy
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
WIDTHS = [16, 32, 64]
DEPTHS = [56, 20]
MEAN = [0.4914, 0.4822, 0.4465]
STD = [0.2470, 0.2435, 0.2616]
BATCH = 32
RATE, WARM = 0.05, 0.05  # half a cosine, which rises over the first share of the epochs
MOMENTUM, DECAY = 0.9, 1e-4


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, residual):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more, self.residual = stride, (outputs - inputs) // 2, residual

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.residual:
            # Option A: every second pixel, and zeros for the further channels, half of them before and half behind.
            y = y + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more)) if self.stride > 1 else x)
        return F.relu(y, inplace=True)


class Network(nn.Module):
    """6n + 2 layers; torchvision's names, with three stages."""

    def __init__(self, depth, residual):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        inputs = WIDTHS[0]
        for stage, width in enumerate(WIDTHS):
            blocks = []
            for block in range((depth - 2) // 6):
                blocks.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1, residual))
                inputs = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, len(LABELS))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def read(path):
    """Pictures u8 [n, 3, 32, 32] and classes i64 [n]."""
    records = torch.from_numpy(numpy.fromfile(path, numpy.uint8).reshape(-1, 3073))
    return records[:, 1:].reshape(-1, 3, 32, 32).clone(), records[:, 0].long()


def normalised(pictures):
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def error(network, pictures, classes):
    """The share of wrong answers, in f32."""
    network.eval()
    wrong = 0
    for x, y in zip(pictures.split(500), classes.split(500)):
        wrong += (network(normalised(x)).argmax(1) != y).sum().item()
    return wrong / len(classes)


def with_bf16():
    """Whether this processor multiplies bf16 numbers; elsewhere they are slower than f32."""
    try:
        return any("bf16" in line for line in open("/proc/cpuinfo") if line.startswith("flags"))
    except OSError:
        return False


class Run:
    """One network on its way: its weights, its optimiser, and its errors by epoch. Goes on from its checkpoint."""

    def __init__(self, name, folder):
        kind, depth = name.split("-")
        self.name, self.residual, self.depth = name, kind == "residual", int(depth)
        torch.manual_seed(self.depth)  # so that a plain network starts from its residual one's weights
        self.network = Network(self.depth, self.residual).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(self.network.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY)
        self.errors = {"train": [], "test": [], "final": None}
        self.path = folder / f"{self.name}.checkpoint.pt"
        if self.path.exists():
            kept = torch.load(self.path)
            self.network.load_state_dict(kept["network"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.errors = kept["errors"]

    def keep(self):
        state = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "errors": self.errors}
        replace(self.path, lambda path: torch.save(state, path))

    def epoch(self, pictures, classes, order, epoch, epochs, bf16):
        """The share of wrong answers in training, by the weights as they were then."""
        self.network.train()
        wrong = 0
        batches = order.split(BATCH)
        for step, batch in enumerate(batches):
            rate = rate_at((epoch + step / len(batches)) / epochs)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = self.network(pictures[batch].contiguous(memory_format=torch.channels_last)).float()
            loss = F.cross_entropy(logits, classes[batch])
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            wrong += (logits.argmax(1) != classes[batch]).sum().item()
        return wrong / len(order)

    def write(self, folder, epochs):
        stated = {
            "architecture": {
                "name": self.name,
                "stem": "3x3",
                "layers": [(self.depth - 2) // 6] * 3,
                "widths": WIDTHS,
                "shortcut": "zero-pad-symmetric" if self.residual else "none",
            },
            "labels": LABELS,
            "preprocess": {"resize": 32, "crop": 32, "interpolation": "bilinear", "mean": MEAN, "std": STD},
            "accuracy": self.errors["final"],
            "provenance": f"scripts/train-degradation.py, {epochs} epochs",
        }
        tensors = {name: value.contiguous() for name, value in self.network.state_dict().items() if value.is_floating_point()}
        save_file(tensors, folder / f"{self.name}.safetensors", {"resnet-edge": json.dumps(stated)})


def rate_at(share):
    """The rate after this share of all steps."""
    return RATE * min(1, share / WARM) * (1 + math.cos(math.pi * share)) / 2


def replace(path, write):
    """Writes a file whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    write(beside)
    os.replace(beside, path)


# A process has one thread: on small layers threads wait for each other more than they compute, most of all on a machine that is shared.
def begin(train_path, test_path):
    """What a process keeps between two turns."""
    global pictures, classes, tested, seen, bf16
    torch.set_num_threads(1)
    (pictures, classes), tested = read(train_path), read(test_path)
    seen, bf16 = normalised(pictures), with_bf16()


def turn(name, folder, epoch, epochs):
    """One epoch of one network. Gives its name, its errors so far, and the seconds spent."""
    started = time.time()
    run = Run(name, folder)
    errors = run.errors
    if len(errors["train"]) == epoch:
        order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(epoch))
        errors["train"].append(run.epoch(seen, classes, order, epoch, epochs, bf16))
        errors["test"].append(error(run.network, *tested))
        run.keep()
    if epoch == epochs - 1:
        if errors["final"] is None:
            # By the weights at the end.
            errors["final"] = {"train": error(run.network, pictures, classes), "test": errors["test"][-1]}
            run.keep()
        run.write(folder, epochs)
    return name, errors, time.time() - started


def main(train_path, test_path, folder, epochs=20):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"pictures": os.path.getsize(train_path) // 3073, "tested": os.path.getsize(test_path) // 3073, "epochs": epochs}
    recipe |= {"batch": BATCH, "rate": RATE, "warm": WARM, "momentum": MOMENTUM, "decay": DECAY}
    recipe |= {"bf16": with_bf16(), "torch": torch.__version__}
    curves = folder / "curves.json"
    begun = json.loads(curves.read_text())["recipe"]["epochs"] if curves.exists() else epochs
    if begun != epochs:
        sys.exit(f"{folder} has networks on their way through {begun} epochs, not {epochs}: say {begun}, or name another folder.")
    networks = {}
    # The deep ones first, so that no process waits for one of them at an epoch's end.
    names = [f"{kind}-{depth}" for depth in DEPTHS for kind in ["plain", "residual"]]
    with get_context("spawn").Pool(min(len(names), os.cpu_count()), begin, (train_path, test_path)) as pool:
        for epoch in range(epochs):
            turns = [pool.apply_async(turn, (name, folder, epoch, epochs)) for name in names]
            for name, errors, seconds in (it.get() for it in turns):
                networks[name] = errors
                found = json.dumps({"recipe": recipe, "networks": networks}, indent=1)
                replace(curves, lambda path: path.write_text(found + "\n"))
                last = " ".join(f"{what} {errors[what][epoch]:.4f}" for what in ["train", "test"])
                print(f"epoch {epoch + 1:2} {name:12} {last} {seconds:.0f} s", flush=True)
    for name, errors in networks.items():
        print(name, errors["final"])


if __name__ == "__main__":
    main(*sys.argv[1:4], *(int(it) for it in sys.argv[4:5]))

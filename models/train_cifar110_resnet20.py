"""Trains the f32 weights from which the bundled model is made: a ResNet-20 of twice the width on CIFAR-10 and CIFAR-100 together.

    python3 models/train_cifar110_resnet20.py CIFAR10 CIFAR100 OUTPUT.safetensors [MINUTES]

CIFAR10 and CIFAR100 are the folders of the "binary versions" (data_batch_1.bin ... and train.bin, with their .txt of names).
Needs PyTorch and safetensors. The learning rate is a function of the time spent, so that any machine ends after MINUTES (59).
"""
import json
import pathlib
import sys
import time

import numpy
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

WIDTHS = [32, 64, 128]
BLOCKS = 3
MEAN = [0.4914, 0.4822, 0.4465]
STD = [0.2470, 0.2435, 0.2616]

PICTURES_OF_TEN = 3000  # of each CIFAR-10 class in an epoch; CIFAR-100 has 500 of each, and all are taken
BATCH = 128
ALIKE = 16  # pictures in a row that are cropped, and cut, at the same place
BORDER = 4
HOLE = 8
HIGHEST_RATE = 0.3
RISING = 0.15  # the share of the time in which the rate rises; then it falls to nothing
DECAY = 5e-4  # of weights, not of BatchNorms and biases
SMOOTHING = 0.1
AVERAGE_EVERY, AVERAGE_KEEPS = 8, 0.99


def conv_bn(inputs, outputs, side, stride):
    return nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False), nn.BatchNorm2d(outputs)


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut is a 1x1 convolution where shapes change."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = conv_bn(inputs, outputs, 3, stride)
        self.conv2, self.bn2 = conv_bn(outputs, outputs, 3, 1)
        same = inputs == outputs and stride == 1
        self.downsample = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, outputs, 1, stride))

    def forward(self, x):
        inner = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(inner)) + self.downsample(x)).relu()


class Network(nn.Module):
    """He et al. 2015, section 4.2, under torchvision's names."""

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = conv_bn(3, WIDTHS[0], 3, 1)
        shapes = list(zip([WIDTHS[0], *WIDTHS], WIDTHS, [1, 2, 2]))
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(Block(inputs, outputs, stride), *(Block(outputs, outputs, 1) for _ in range(BLOCKS - 1)))
            for inputs, outputs, stride in shapes
        )
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def read(files, label_bytes, first_class):
    """Pictures, uint8 [n, 3, 32, 32], and classes; of several label bytes the last one is the class."""
    records = numpy.concatenate([numpy.fromfile(file, numpy.uint8) for file in files]).reshape(-1, label_bytes + 3072)
    pictures = torch.from_numpy(records[:, label_bytes:].reshape(-1, 3, 32, 32).copy())
    return pictures, torch.from_numpy(records[:, label_bytes - 1].astype(numpy.int64)) + first_class


def both(ten, hundred):
    return tuple(torch.cat(pair) for pair in zip(ten, hundred))


def normalised(pictures):
    mean, std = (torch.tensor(it).reshape(1, 3, 1, 1) for it in (MEAN, STD))
    return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def varied(bordered, chosen):
    """Crops, flips and holes. The border is black; a hole has the mean colour."""
    crops, holes = [], torch.ones(len(chosen), 1, 32, 32)
    for start in range(0, len(chosen), ALIKE):
        y, x = torch.randint(2 * BORDER + 1, (2,)).tolist()
        crops.append(bordered[chosen[start : start + ALIKE], :, y : y + 32, x : x + 32])
        y, x = torch.randint(32 - HOLE + 1, (2,)).tolist()
        holes[start : start + ALIKE, :, y : y + HOLE, x : x + HOLE] = 0
    pictures = normalised(torch.cat(crops))
    turned = torch.rand(len(chosen), 1, 1, 1) < 0.5
    return torch.where(turned, pictures.flip(3), pictures) * holes


def epoch(classes):
    """Indices in a new order: all of CIFAR-100, and as many of each CIFAR-10 class as are wanted."""
    chosen = [torch.nonzero(classes >= 10)[:, 0]]
    for it in range(10):
        own = torch.nonzero(classes == it)[:, 0]
        chosen.append(own[torch.randperm(len(own))[:PICTURES_OF_TEN]])
    indices = torch.cat(chosen)
    return indices[torch.randperm(len(indices))]


@torch.no_grad()
def accuracy(network, pictures, classes):
    """Shares of right answers with all classes open: one and five best, of CIFAR-10 and of CIFAR-100."""
    network.eval()
    best = torch.cat([network(normalised(part)).topk(5).indices for part in pictures.split(500)])
    hits = best == classes[:, None]
    found = {}
    for name, own in ("cifar10", classes < 10), ("cifar100", classes >= 10):
        found[f"{name}_top1"] = round(hits[own, 0].float().mean().item(), 4)
        found[f"{name}_top5"] = round(hits[own].any(1).float().mean().item(), 4)
    return found


def train(pictures, classes, count, seconds):
    network = Network(count).to(memory_format=torch.channels_last)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    weights = [it for it in network.parameters() if it.dim() > 1]
    others = [it for it in network.parameters() if it.dim() == 1]
    groups = [{"params": weights, "weight_decay": DECAY}, {"params": others}]
    descent = torch.optim.SGD(groups, lr=HIGHEST_RATE, momentum=0.9, nesterov=True)
    bordered = F.pad(pictures, [BORDER] * 4)
    start, step = time.monotonic(), 0
    while True:
        for chosen in epoch(classes).split(BATCH):
            spent = (time.monotonic() - start) / seconds
            if spent >= 1:
                network.load_state_dict(average)
                return network
            if len(chosen) < BATCH:
                continue
            rate = HIGHEST_RATE * min(spent / RISING, (1 - spent) / (1 - RISING))
            for group in descent.param_groups:
                group["lr"] = max(rate, 1e-4)
            network.train()
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(varied(bordered, chosen))
            loss = F.cross_entropy(logits.float(), classes[chosen], label_smoothing=SMOOTHING)
            descent.zero_grad()
            loss.backward()
            descent.step()
            step += 1
            if step % AVERAGE_EVERY == 0:
                for name, value in network.state_dict().items():
                    if value.is_floating_point():
                        average[name].lerp_(value, 1 - AVERAGE_KEEPS)
                    else:
                        average[name].copy_(value)
            if step % 100 == 0:
                print(f"{spent:.0%}: loss {loss.item():.3f}", flush=True)


def main(ten, hundred, output, minutes="59"):
    torch.manual_seed(0)
    ten, hundred = pathlib.Path(ten), pathlib.Path(hundred)
    names = (ten / "batches.meta.txt").read_text().split() + (hundred / "fine_label_names.txt").read_text().split()
    labels = [name.replace("_", " ") for name in names]
    pictures, classes = both(read(sorted(ten.glob("data_batch_*.bin")), 1, 0), read([hundred / "train.bin"], 2, 10))
    tested = both(read([ten / "test_batch.bin"], 1, 0), read([hundred / "test.bin"], 2, 10))
    network = train(pictures, classes, len(labels), 60 * float(minutes))
    found = accuracy(network, *tested)
    print(found)
    card = {
        "architecture": {
            "family": "resnet",
            "block": "basic",
            "stem": "3x3",
            "layers": [BLOCKS] * len(WIDTHS),
            "widths": WIDTHS,
            "shortcut": "projection",
        },
        "labels": labels,
        "preprocess": {"resize": 32, "crop": 32, "interpolation": "bilinear", "mean": MEAN, "std": STD},
        "accuracy": {"dataset": "CIFAR-10 and CIFAR-100 test sets, all 110 classes open", **found},
    }
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, output, {"format": "pt", "resnet-edge": json.dumps(card)})


if __name__ == "__main__":
    main(*sys.argv[1:])

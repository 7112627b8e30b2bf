"""Writes expected.json: logits and scores of the bundled model by PyTorch, for the pixels of probe.js.

    python test/hosts/expected.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors import safe_open

here = pathlib.Path(__file__).parent
tensors = {}
with safe_open(here / "../../models/cifar10-resnet20.safetensors", "pt") as file:
    for name in file.keys():
        tensors[name] = file.get_tensor(name).double()


def norm(x, name):
    get = lambda field: tensors[f"{name}.{field}"]
    return F.batch_norm(x, get("running_mean"), get("running_var"), get("weight"), get("bias"), False, 0.0, 1e-5)


def block(x, name, stride):
    y = F.relu(norm(F.conv2d(x, tensors[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1"))
    y = norm(F.conv2d(y, tensors[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
    projection = next((key for key in tensors if key.startswith(f"{name}.") and tensors[key].dim() == 4 and tensors[key].shape[-1] == 1), None)
    if projection:
        prefix = projection.rsplit(".", 2)[0]
        x = norm(F.conv2d(x, tensors[projection], stride=stride), f"{prefix}.1")
    elif stride == 2:
        x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, y.shape[1] // 4, y.shape[1] // 4))
    return F.relu(x + y)


pixels = torch.tensor([(i * 7919) % 256 for i in range(3072)], dtype=torch.float64).reshape(32, 32, 3)
reference = json.loads((here / "../../models/cifar10-resnet20-reference.json").read_text())
x = (pixels.permute(2, 0, 1) / 255 - torch.tensor(reference["mean"]).double()[:, None, None]) / torch.tensor(
    reference["std"]
).double()[:, None, None]
x = F.relu(norm(F.conv2d(x[None], tensors["conv1.weight"], padding=1), "bn1"))
for layer in 1, 2, 3:
    for at in 0, 1, 2:
        x = block(x, f"layer{layer}.{at}", 2 if layer > 1 and at == 0 else 1)
head = "linear" if "linear.weight" in tensors else "fc"
logits = F.linear(x.mean((2, 3)), tensors[f"{head}.weight"], tensors[f"{head}.bias"])[0]
found = {"logits": [round(v, 6) for v in logits.tolist()], "scores": [round(v, 6) for v in logits.softmax(0).tolist()]}
(here / "expected.json").write_text(json.dumps(found) + "\n")
print(found)

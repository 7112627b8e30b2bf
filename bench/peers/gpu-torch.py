"""PyTorch's f32 times on the same GPU, from data in the host's memory to logits there. One line of JSON."""
import json
import os
import time

try:
    import torch
    import torchvision
except ImportError as error:
    print(json.dumps({"skip": f"no PyTorch here: {error}"}))
    raise SystemExit

if not torch.cuda.is_available():
    print(json.dumps({"skip": "PyTorch finds no CUDA device"}))
    raise SystemExit

# f32 throughout: TensorFloat-32 would round the factors to 11 bits.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True

size = int(os.environ.get("SIZE", 224))
rounds = int(os.environ.get("ROUNDS", 30))
results = []
for name in os.environ.get("MODELS", "resnet18,resnet50").split(","):
    if not hasattr(torchvision.models, name):
        results.append({"model": name, "engine": "PyTorch", "images": 0, "error": "not one of torchvision's"})
        continue
    model = getattr(torchvision.models, name)(weights=None).eval().cuda()
    for images in (1, 32):
        x = torch.rand(images, 3, size, size)
        times = []
        with torch.inference_mode():
            for index in range(rounds + 3):
                start = time.perf_counter()
                model(x.cuda()).cpu()
                if index >= 3:
                    times.append(1000 * (time.perf_counter() - start))
        times.sort()
        at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
        results.append(
            {
                "model": name,
                "engine": "PyTorch",
                "precision": "f32",
                "images": images,
                "median": at(0.5),
                "min": times[0],
                "p10": at(0.1),
                "p90": at(0.9),
            }
        )
print(json.dumps({"version": torch.__version__, "device": torch.cuda.get_device_name(), "results": results}))

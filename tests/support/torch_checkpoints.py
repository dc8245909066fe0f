"""The published checkpoints' networks in PyTorch, saved as their projects saved them. Needs torch.

The classes are written anew after the projects' scripts and the DenseNet of torchvision and
TorchXRayVision, with random weights.
"""

import pickle
import sys
import types

import numpy as np

from benchmarks import torch_twins

torch = torch_twins.torch
nn = torch.nn


class DenseNet121(nn.Module):
    """The wrapper of arnoweng/CheXNet and thtang/CheXNet-with-localization."""

    def __init__(self, densenet, outputs):
        super().__init__()
        self.densenet121 = densenet
        self.densenet121.classifier = head(outputs)

    def forward(self, x):
        return self.densenet121(x)


def head(outputs):
    return nn.Sequential(nn.Linear(1024, outputs), nn.Sigmoid())


def densenet(channels=3, scale=1.0):
    """torchvision's DenseNet121 with weights and batch statistics of inputs of a scale."""
    torch.manual_seed(3)
    made = torch_twins.torchvision().models.densenet121(weights=None)
    if channels != 3:
        made.features.conv0 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.7, 1.3)
                module.bias.normal_(0, 0.1)
        made.train()
        made.features(scale * torch.randn(4, channels, 96, 96))
        made.eval()
    return made


def old_names(state):
    """A state dict in the words of torchvision before 0.2.1."""
    renamed = {}
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        for kind in ("norm", "conv"):
            for number in "12":
                name = name.replace(f".{kind}{number}.", f".{kind}.{number}.")
        renamed[name] = value
    return renamed


class Old(types.ModuleType):
    """The module pickle as it looked for PyTorch 0.2: tensors, parameters and backends of then."""

    class Pickler(pickle._Pickler):
        def reducer_override(self, value):
            if isinstance(value, nn.Parameter):
                return nn.Parameter, (value.data,), (value.requires_grad, False, None)
            if isinstance(value, torch.Tensor):
                storage = value._typed_storage()
                laid = (storage, value.storage_offset(), tuple(value.size()), value.stride())
                return torch._utils._rebuild_tensor, laid
            return NotImplemented

    dump, dumps = staticmethod(pickle.dump), staticmethod(pickle.dumps)


def save_old(value, path):
    torch.save(value, path, pickle_module=Old("old"), _use_new_zipfile_serialization=False)


def save_2018(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def chexnet(path):
    """arnoweng/CheXNet: a checkpoint with a state dict of DataParallel, and the optimizer's."""
    model = DenseNet121(densenet(), 14).eval()
    wrapped = nn.DataParallel(model)
    optimizer = torch.optim.Adam([model.densenet121.classifier[0].weight])
    model(torch.zeros(1, 3, 64, 64)).sum().backward()
    optimizer.step()
    state = {"epoch": 7, "state_dict": old_names(wrapped.state_dict()), "best_loss": 0.15}
    save_old(state | {"optimizer": optimizer.state_dict()}, path)
    return model


def localization(path):
    """thtang/CheXNet-with-localization: the state dict of DataParallel by itself, 8 outputs."""
    model = DenseNet121(densenet(), 8).eval()
    save_2018(old_names(nn.DataParallel(model).state_dict()), path)
    return model


def reproduced(path, save=save_old):
    """jrzech/reproduce-chexnet: the whole network inside a checkpoint."""
    model = densenet()
    model.classifier = head(14)
    model._backend = None
    rest = {"best_loss": np.float64(0.16), "epoch": 5, "rng_state": torch.get_rng_state()}
    save({"model": model, "LR": 0.001, **rest}, path)
    return model


def xrv(path):
    """torchxrayvision: the whole network by itself, one channel, 18 outputs without a sigmoid."""
    model = densenet(channels=1, scale=600)
    model.classifier = nn.Linear(1024, 18)
    package = types.ModuleType("torchxrayvision.models")
    classes = [type(module) for module in model.modules()]
    ours = {kind for kind in classes if kind.__module__.startswith("torchvision")}
    for kind in ours:
        setattr(package, kind.__name__, kind)
        kind.__module__ = package.__name__
    sys.modules |= {
        "torchxrayvision": types.ModuleType("torchxrayvision"),
        package.__name__: package,
    }
    try:
        save_2018(model, path)
    finally:
        for kind in ours:
            kind.__module__ = "torchvision.models.densenet"
        for name in ("torchxrayvision", package.__name__):
            del sys.modules[name]
    return model


def looked_at(densenet, image, label, sign=1):
    """Logits, and the Grad-CAM map of a label by the network's own gradients, largest 1.

    Args:
        densenet: of torchvision's kind; the linear layer is in its classifier.
        image: float32, (1, height, width, channels).
        label: index of an output.
        sign: -1 for what speaks against it.
    """
    linear = densenet.classifier[0] if isinstance(densenet.classifier, nn.Sequential) else None
    linear = linear if linear is not None else densenet.classifier
    features = torch.relu(densenet.features(torch_twins.as_torch(image))).detach()
    features.requires_grad_(True)
    logits = linear(features.mean(dim=(2, 3)))
    (sign * logits[0, label]).backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    heat = torch.relu((weights * features).sum(dim=1))[0].detach().numpy()
    return logits[0].detach().numpy(), heat / max(heat.max(), 1e-12)


def write_small(folder):
    """The small files in `tests/importers/saved_by_pytorch`: a narrow DenseNet, numbers in order.

    Run with PyTorch 2.13 as: python -c "import torch_checkpoints as t; t.write_small(folder)"
    """
    torchvision = torch_twins.torchvision()
    made = torchvision.models.DenseNet(2, (1, 1), 4, bn_size=1, num_classes=2)
    with torch.no_grad():
        for number, weight in enumerate(made.state_dict().values()):
            if weight.is_floating_point():
                numbers = torch.arange(weight.numel(), dtype=torch.float32)
                weight.copy_(numbers.reshape(weight.shape) + number)
    # each class with its source code beside it, as then; the code itself is left out here
    torch.serialization.get_source_lines_and_file = lambda kind: (
        [f"class {kind.__name__}: ..."],
        1,
        "densenet.py",
    )
    save_2018(old_names(nn.DataParallel(made).state_dict()), folder / "state_dict_2018.pth")
    save_old({"epoch": 5, "model": made, "rng": np.float64(1)}, folder / "module_2017.pth")
    save_2018(made, folder / "module_2018.pth")
    torch.save({"model": made}, folder / "module_2022.pth")
    torch.save(made.state_dict(), folder / "state_dict_2022.pth")

"""Speed of heatmaps: RadLens, tf-keras-vis, grad-cam (PyTorch) and the recipe of keras.io.

    python -m benchmarks.explain [--quick] [--json] [--write docs/explain.md]

Same machine, same image, same network, one run; the functions take turns, and medians count. Every
count of threads gets a process of its own. The rivals: pip install tf-keras-vis==0.8.7
grad-cam==1.5.7 torchvision==0.28.0 torch==2.13.0; those that are missing are left out.

- one map, 14 maps: from the image to the maps of one label, or of all fourteen, with everything in
  between. RadLens makes one pass for all; the others make passes for each label.
- RadLens, bfloat16: in half-size numbers, on processors that multiply them: as it runs models whose
  card says that they cost no AUC, or every model with RADLENS_PRECISION=bfloat16. How much they
  change the maps is printed, too.
- masks: Score-CAM and RISE over the same number of masks, Ablation-CAM over the same number of
  channels. grad-cam has no RISE: its line is the same loop written in PyTorch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.turns import medians

NETWORKS = ("densenet121", "efficientnetb0", "vgg16")
THREADS = (1, 2)
LABELS = 14
OURS, HALF = "RadLens", "RadLens, bfloat16"
KERAS_VIS, GRAD_CAM, RECIPE = "tf-keras-vis", "grad-cam", "keras.io recipe"
TOOLS = (OURS, HALF, KERAS_VIS, GRAD_CAM, RECIPE)
_BEGIN, _END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats and masks")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--write", type=Path, help="put table and chart into this Markdown file")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--threads", nargs="+", type=int, default=THREADS)
    parser.add_argument("--size", type=int, default=224, help="side of the image in pixels")
    parser.add_argument("--repeats", type=int, help="5, or 3 with --quick")
    parser.add_argument("--masks", type=int, help="64, or 16 with --quick")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.repeats = options.repeats or (3 if options.quick else 5)
    options.masks = options.masks or (16 if options.quick else 64)
    if options.worker:
        _work(options.networks[0], options.threads[0], options)
        return

    rows = []
    for network in options.networks:
        for threads in options.threads:
            rows += _in_a_process(network, threads, options)
    likeness = [row for row in rows if "ratio" in row]
    rows = [row for row in rows if "ratio" not in row]
    figures = headline(rows) + likeness
    for line in rows + figures:
        print(json.dumps(line) if options.json else _words(line))
    if options.write:
        write(options.write, rows, figures, sys.argv[1:])


def headline(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Headline figures: ratios on DenseNet121, with as many threads as were measured.

    Args:
        rows: of `measure`, with name, tool, network, threads and milliseconds.

    Returns:
        Lines with name and ratio; those for which nothing was measured are left out.
    """
    if not rows:
        return []
    network = "densenet121" if any(row["network"] == "densenet121" for row in rows) else ""
    network = network or rows[0]["network"]
    threads = max(row["threads"] for row in rows)
    found = {
        (row["name"], row["tool"]): row["milliseconds"]
        for row in rows
        if row["network"] == network and row["threads"] == threads
    }

    def ratio(name: str, above: list[tuple[str, str]], below: tuple[str, str]) -> dict[str, Any]:
        rivals = [found[key] for key in above if key in found]
        if not rivals or below not in found:
            return {}
        value = min(rivals) / found[below]
        return {"name": name, "ratio": value, "network": network, "threads": threads}

    others = (KERAS_VIS, GRAD_CAM, RECIPE)
    lines = []
    for ours, end in ((OURS, ""), (HALF, "_bfloat16")):
        for name, task in (("all_maps", "14 maps"), ("one_map", "one map")):
            lines.append(ratio(f"{name}_over_forward{end}", [(task, ours)], ("forward", ours)))
        for name, task, tools in (
            ("grad_cam_over_ours_14", "14 maps", [GRAD_CAM]),
            ("tf_keras_vis_over_ours_14", "14 maps", [KERAS_VIS]),
            ("keras_recipe_over_ours_14", "14 maps", [RECIPE]),
            ("best_rival_over_ours_1", "one map", others),
            ("best_rival_over_ours_score_cam", "Score-CAM", others),
            ("best_rival_over_ours_ablation_cam", "Ablation-CAM", others),
            ("best_rival_over_ours_rise", "RISE", others),
        ):
            lines.append(ratio(f"{name}{end}", [(task, tool) for tool in tools], (task, ours)))
    return [line for line in lines if line]


def _in_a_process(network: str, threads: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "benchmarks.explain", "--worker"]
    command += ["--networks", network, "--threads", str(threads), "--size", str(options.size)]
    command += ["--repeats", str(options.repeats), "--masks", str(options.masks)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Measuring {network} with {threads} threads failed; see above.")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _work(network_name: str, threads: int, options: argparse.Namespace) -> None:
    """Measure one network with one count of threads, and print rows."""
    import keras
    import numpy as np

    from xray_models import networks
    from xray_models.explain.methods.masks import enlarged
    from xray_models.inference import functions as tracing
    from xray_models.inference import precision

    keras.utils.set_random_seed(0)
    network = networks.build(network_name, (options.size, options.size), LABELS)
    grid = np.random.default_rng(0).normal(size=(1, 12, 12)).astype(np.float32)
    image = np.repeat(enlarged(grid, (options.size, options.size))[..., None], 3, axis=-1)

    groups: dict[str, dict[str, Callable[[], object]]] = {}
    # frozen, as the catalogue's models are
    whole = tracing.Traced(network, frozen=True)
    ours = [_ours(OURS, whole, image, options.masks)]
    if precision.multiplies_bfloat16():
        half = tracing.Traced(network, frozen=True, bfloat16=True)
        ours.append(_ours(HALF, half, image, options.masks))
        _print_likeness(whole, half, image, network_name, threads)
    for functions in (
        *ours,
        _recipe(network, image),
        _keras_vis(network, image, options.masks),
        _grad_cam(network, image, options.masks, threads),
    ):
        for (name, tool), function in functions.items():
            groups.setdefault(name, {})[tool] = function
    # what the two sides of a ratio need is measured in the same turns
    together = [["forward", "one map", "14 maps"], ["Score-CAM"], ["Ablation-CAM"], ["RISE"]]
    for names in together:
        mixed = {
            f"{name}|{tool}": function
            for name in names
            for tool, function in groups.get(name, {}).items()
        }
        for key, value in medians(options.repeats, mixed).items():
            name, tool = key.split("|")
            row = {
                "name": name,
                "tool": tool,
                "network": network_name,
                "threads": threads,
                "milliseconds": value,
            }
            if names != together[0]:
                row["masks"] = options.masks
            print(json.dumps(row), flush=True)


_Functions = dict[tuple[str, str], Callable[[], object]]


def _every() -> list[Any]:
    from xray_models.explain.targets import Target

    return [Target(tuple(float(k == label) for k in range(LABELS))) for label in range(LABELS)]


def _ours(tool: str, traced: Any, image: Any, masks: int) -> _Functions:
    from xray_models import explain

    every = _every()

    def maps(count: int, spec: str) -> Callable[[], object]:
        def run() -> object:
            # a new one: nothing is known of the image
            cache = explain.PassCache(lambda: traced, image)
            return explain.maps(cache, every[:count], spec)

        return run

    return {
        ("forward", tool): lambda: traced.forward(image),
        ("one map", tool): maps(1, "grad-cam"),
        ("14 maps", tool): maps(LABELS, "grad-cam"),
        ("Score-CAM", tool): maps(1, f"score-cam, top={masks}"),
        ("Ablation-CAM", tool): maps(1, "ablation-cam"),
        ("RISE", tool): maps(1, f"rise, masks={masks}"),
    }


def _print_likeness(whole: Any, half: Any, image: Any, network: str, threads: int) -> None:
    """Print the least correlation of a map in half-size numbers with the same in whole ones."""
    import numpy as np

    from xray_models import explain

    first = explain.maps(explain.PassCache(lambda: whole, image), _every())
    second = explain.maps(explain.PassCache(lambda: half, image), _every())
    found = [
        np.corrcoef(one.ravel(), other.ravel())[0, 1]
        for one, other in zip(first, second, strict=True)
    ]
    line = {"name": "least_correlation_bfloat16", "network": network, "threads": threads}
    print(json.dumps(line | {"ratio": float(np.nanmin(found))}), flush=True)


def _recipe(network: Any, image: Any) -> _Functions:
    """Grad-CAM as keras.io teaches it: a tape, a forward and a backward pass per label."""
    import tensorflow as tf
    import keras

    from xray_models import networks

    layer = network.get_layer(networks.last_activation(network))
    both = keras.Model(network.input, [layer.output, network.output])

    def one(label: int) -> Any:
        with tf.GradientTape() as tape:
            activation, logits = both(image, training=False)
            score = logits[:, label]
        gradient = tape.gradient(score, activation)
        pooled = tf.reduce_mean(gradient, axis=(0, 1, 2))
        heat = tf.maximum(tf.squeeze(activation[0] @ pooled[..., tf.newaxis]), 0)
        return (heat / (tf.reduce_max(heat) + 1e-9)).numpy()

    return {
        ("one map", RECIPE): lambda: one(0),
        ("14 maps", RECIPE): lambda: [one(label) for label in range(LABELS)],
    }


def _keras_vis(network: Any, image: Any, masks: int) -> _Functions:
    try:
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.scorecam import Scorecam
    except ImportError:
        return {}
    from xray_models import networks

    layer = networks.last_activation(network)
    made, scored = Gradcam(network, clone=False), Scorecam(network, clone=False)

    def run(maker: Any, label: int, **settings: Any) -> Any:
        return maker(
            lambda output: output[:, label],
            image,
            penultimate_layer=layer,
            seek_penultimate_conv_layer=False,
            **settings,
        )

    return {
        ("one map", KERAS_VIS): lambda: run(made, 0),
        ("14 maps", KERAS_VIS): lambda: [run(made, label) for label in range(LABELS)],
        ("Score-CAM", KERAS_VIS): lambda: run(scored, 0, max_N=masks, batch_size=16),
    }


def _grad_cam(network: Any, image: Any, masks: int, threads: int) -> _Functions:
    try:
        import torch

        from benchmarks.torch_twins import as_torch, torchvision, twin

        torchvision()
        from pytorch_grad_cam import AblationCAM, GradCAM, ScoreCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError:
        return {}
    import numpy as np

    from xray_models.explain.methods.rise import random_masks

    torch.set_num_threads(threads)
    model, batch = twin(network), as_torch(image)
    if network.name != "efficientnetb0":
        ours = network(image, training=False).numpy()
        theirs = model(batch).detach().numpy()
        if not np.allclose(ours, theirs, atol=1e-3 * np.abs(ours).max()):
            raise SystemExit(f"The PyTorch twin of {network.name} gives other logits.")
    made = GradCAM(model, [model.last])
    scored, ablated = ScoreCAM(model, [model.last]), AblationCAM(model, [model.last])
    scored.batch_size = ablated.batch_size = 16
    channels = model.logits.in_features
    ablated.ratio_channels_to_ablate = masks / channels

    def plain(label: int) -> Any:
        return made(batch, [ClassifierOutputTarget(label)])

    def score() -> Any:
        with torch.no_grad():
            activation = model.last(model.features(batch)).numpy()[:, :masks]
            targets = [ClassifierOutputTarget(0)]
            weights = scored.get_cam_weights(batch, model.last, targets, activation, None)
        return np.tensordot(weights[0], activation[0], axes=1)

    def ablate() -> Any:
        with torch.no_grad():
            return ablated(batch, [ClassifierOutputTarget(0)])

    def rise() -> Any:
        heat = np.zeros(image.shape[1:3], np.float32)
        with torch.no_grad():
            for some in random_masks(masks, 7, 0.5, image.shape[1:3], seed=0):
                scores = model(batch * torch.from_numpy(some)[:, None])[:, 0].numpy()
                heat += np.tensordot(scores, some, axes=1)
        return heat

    return {
        ("forward", GRAD_CAM): lambda: model(batch).detach(),
        ("one map", GRAD_CAM): lambda: plain(0),
        ("14 maps", GRAD_CAM): lambda: [plain(label) for label in range(LABELS)],
        ("Score-CAM", GRAD_CAM): score,
        ("Ablation-CAM", GRAD_CAM): ablate,
        ("RISE", GRAD_CAM): rise,
    }


def _words(row: dict[str, Any]) -> str:
    if "ratio" in row:
        return (
            f"{row['name']:<40}{row['ratio']:10.2f} x  ({row['network']}, {row['threads']} threads)"
        )
    where = f"{row['network']}, {row['threads']} threads"
    return f"{where:<28}{row['name']:<16}{row['tool']:<18}{row['milliseconds']:10.1f} ms"


def write(
    path: Path, rows: list[dict[str, Any]], figures: list[dict[str, Any]], arguments: list[str]
) -> None:
    """Put the table between two marks of a Markdown file, and the chart beside it.

    Raises:
        ValueError: the file lacks the marks.
    """
    text = path.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise ValueError(f"{path} lacks the lines {_BEGIN} and {_END} to write between.")
    picture = path.with_name(f"{path.stem}-speed.png")
    _chart(picture, rows)
    command = " ".join(["python -m benchmarks.explain", *[a for a in arguments if a != "--json"]])
    masks = next((row["masks"] for row in rows if "masks" in row), "no")
    block = [
        _BEGIN,
        f"`{command}`, {_machine()}. Milliseconds, medians. Untrained networks, a drawn image.",
        f"Score-CAM and RISE here make {masks} masks; in Ablation-CAM `grad-cam` takes {masks}",
        "channels away, one by one, RadLens all of them.",
        "",
        *_table(rows),
        "",
        *[_sentence(line) for line in figures],
        "",
        f"![Milliseconds by tool]({picture.name})",
        _END,
    ]
    between = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    path.write_text(between.sub(lambda _: "\n".join(block), text), encoding="utf-8")


def _sentence(line: dict[str, Any]) -> str:
    where = f" ({line['network']}, threads: {line['threads']})"
    return f"- {line['name'].replace('_', ' ')}{where}: {line['ratio']:.4g}"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    tools = [tool for tool in TOOLS if any(row.get("tool") == tool for row in rows)]
    cells: dict[tuple[str, int, str], dict[str, float]] = {}
    for row in rows:
        key = (row["network"], row["threads"], row["name"])
        cells.setdefault(key, {})[row["tool"]] = row["milliseconds"]
    lines = [
        f"| network | threads | what | {' | '.join(tools)} |",
        "|---|---|---|" + "---:|" * len(tools),
    ]
    for (network, threads, name), found in cells.items():
        values = [f"{found[tool]:.1f}" if tool in found else "" for tool in tools]
        lines.append(f"| {network} | {threads} | {name} | {' | '.join(values)} |")
    return lines


def _chart(path: Path, rows: list[dict[str, Any]]) -> None:
    """Bars by tool, a panel per task, on a logarithmic scale: the spans are wide."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    threads = max(row["threads"] for row in rows)
    names = [name for name in dict.fromkeys(row["name"] for row in rows) if name != "forward"]
    networks = list(dict.fromkeys(row["network"] for row in rows))
    tools = [tool for tool in TOOLS if any(row["tool"] == tool for row in rows)]
    figure, axes = plt.subplots(
        1, len(names), figsize=(2.6 * len(names), 3.2), layout="constrained", squeeze=False
    )
    for axis, name in zip(axes[0], names, strict=True):
        for place, tool in enumerate(tools):
            spots = [
                (networks.index(row["network"]) + (place - 2) * 0.17, row["milliseconds"])
                for row in rows
                if (row["name"], row["tool"], row["threads"]) == (name, tool, threads)
            ]
            axis.bar(
                [spot for spot, _ in spots],
                [value for _, value in spots],
                width=0.17,
                color=f"C{place}",
                label=tool,
            )
        axis.set_yscale("log")
        axis.set_title(name, fontsize=10)
        axis.set_xticks(range(len(networks)), networks, rotation=30, ha="right", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel(f"milliseconds, {threads} threads")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _machine() -> str:
    """The processor's name, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{os.cpu_count()} cores"
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), "processor")
    return f"{name}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()

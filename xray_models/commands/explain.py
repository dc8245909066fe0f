"""`python -m xray_models explain FILE`: a heatmap on a film, as a picture."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.catalogue import Card, CatalogueError, get
from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.explain import MethodSpec, MethodSupport
    from xray_models.explain.heatmap import Heatmap

__all__ = ["explain"]

_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def explain(
    file: Annotated[Path | None, typer.Argument(help="PNG, JPEG, DICOM...")] = None,
    model: Annotated[str, typer.Option(help="Id of a model, as `list` prints it.")] = "",
    label: Annotated[
        str, typer.Option(help="A label or combined finding; the first one by default.")
    ] = "",
    against: Annotated[
        str | None,
        typer.Option(help="Why the label and not this: another finding, or 'not' for its absence."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="How; --methods lists them. The card's own by default.")
    ] = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Where; several are fused. --layers lists them.")
    ] = None,
    fusion: Annotated[
        str, typer.Option(help="How several layers become one map: mean or max.")
    ] = "mean",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Of the method, such as masks=500 or top=64; --methods lists them. Repeatable.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of methods that draw at random.")] = 0,
    out: Annotated[Path, typer.Option(help="The overlay: PNG or JPEG.")] = Path("overlay.png"),
    methods: Annotated[
        bool, typer.Option("--methods", help="Only list what fits the model, and its cost.")
    ] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="Only list the layers of the model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Draw what in a film speaks for a label. For teaching and research, not for diagnosis."""
    if not model:
        fail("Name a model: --model ID, as `python -m xray_models list` prints it.")
    try:
        card = get(model)
    except CatalogueError as error:
        fail(str(error))
    if methods:
        _list_methods(card, layer[0] if layer else None, as_json)
    elif layers:
        _list_layers(card, as_json)
    elif file is None:
        fail("Name a film, or ask for --methods or --layers.")
    else:
        began = time.perf_counter()
        spec = _spec(card, method, layer or (), setting or (), fusion)
        heatmap = _heatmap(file, card, label, against, spec, seed, out)
        spent = time.perf_counter() - began
        if as_json:
            line = {
                "file": str(file),
                "model": model,
                "method": spec.method,
                "out": str(out),
                "grid": heatmap.values.shape,
                "seconds": round(spent, 3),
            }
            typer.echo(json.dumps(line))
        else:
            typer.echo(f"{out}: {spec.method} of {model}, {spent:.1f} s")


def _spec(
    card: Card, method: str | None, layers: Sequence[str], settings: Sequence[str], fusion: str
) -> MethodSpec:
    """What was asked for; the card's own method and layer where none was."""
    from xray_models.explain import MethodSpec, methods

    options = dict(map(_setting, settings))
    own = MethodSpec.of_card(card)
    try:
        checked = methods.get(own.method if method is None else method).checked(options)
        given = {name: checked[name] for name in options}
        at = tuple(layers) or (own.layers if method is None else ())
        return MethodSpec(method or own.method, at, tuple(given.items()), fusion)
    except ValueError as error:
        fail(str(error))


def _heatmap(
    file: Path,
    card: Card,
    label: str,
    against: str | None,
    spec: MethodSpec,
    seed: int,
    out: Path,
) -> Heatmap:
    if out.suffix.lower() not in _SUFFIXES:
        fail(f"{out} must end in {', '.join(_SUFFIXES)}.")
    from xray_models import explain as explaining  # brings TensorFlow, which listing can do without
    from xray_models import radiograph
    from xray_models.explain.queries import Query
    from xray_models.inference.weights import WeightsError
    from xray_models.viz import overlay

    wanted = label or next(iter(card.thresholds or card.findings))
    query = Query(wanted)
    if against:
        query = Query(wanted, "against") if against == "not" else Query(wanted, "over", against)
    try:
        film = radiograph.read(file)
        target = query.target(card)
        with typer.progressbar(length=1, label=spec.method, file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            heatmap = explaining.heat(card, film, target, spec, progress=progress, seed=seed)
    except (radiograph.UnreadableRadiograph, WeightsError, ValueError) as error:
        fail(str(error))
    picture = overlay.overlay(film.pixels, heatmap.on_radiograph(), overlay.Style())
    try:
        out.write_bytes(overlay.encode(picture, _SUFFIXES[out.suffix.lower()]))
    except OSError as error:
        fail(f"{out} cannot be written ({error.strerror}).")
    return heatmap


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        fail(f"--set takes a name and a number, such as masks=500, not {text!r}.")


def _list_methods(card: Card, layer: str | None, as_json: bool) -> None:
    from xray_models import explain as explaining
    from xray_models.inference.weights import WeightsError

    try:
        method_supports = explaining.method_supports(card, layer)
    except (ValueError, WeightsError) as error:
        fail(str(error))
    for support in method_supports:
        if as_json:
            line = {
                "method": support.method.id,
                "fits": support.fits,
                "why": support.why,
                "passes": support.cost.total,
                "passes_other_labels": support.others.total,
                "options": {option.name: option.default for option in support.method.options},
                "reference": support.method.reference,
            }
            typer.echo(json.dumps(line, ensure_ascii=False))
        else:
            typer.echo(f"{support.method.id:<22}{_in_words(support)}")


def _in_words(support: MethodSupport) -> str:
    if not support.fits:
        return f"does not fit: {support.why}"
    passes = support.cost.total
    cost = "no further pass" if not passes else f"at most {passes:.0f} forward passes"
    settings = ", ".join(f"{option.name}={option.default}" for option in support.method.options)
    return f"{cost:<30}{support.method.summary}{f' --set {settings}' if settings else ''}"


def _list_layers(card: Card, as_json: bool) -> None:
    from xray_models import explain as explaining
    from xray_models.inference.weights import WeightsError

    try:
        grids, default = explaining.layers(card), explaining.default_layer(card)
    except (ValueError, WeightsError) as error:
        fail(str(error))
    for name, (rows, columns, channels) in grids.items():
        if as_json:
            line = {"layer": name, "grid": [rows, columns, channels], "default": name == default}
            typer.echo(json.dumps(line))
        else:
            mark = "  (default)" if name == default else ""
            typer.echo(f"{name:<40}{rows} x {columns} cells, {channels} channels{mark}")

"""Cards read from JSON and checked field by field."""

from __future__ import annotations

import functools
import json
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue.cards import ACTIVATIONS, AGES, TASKS, Card, CatalogueError
from xray_models.networks import ARCHITECTURES
from xray_models.radiograph.preprocess import GEOMETRIES, SCALINGS

__all__ = ["build", "read_card"]


def read_card(path: Path) -> Card:
    """Read and check one card.

    Raises:
        CatalogueError: not JSON, an unknown or missing field, a wrong type or an impossible value.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        card = build(Card, raw, path.name)
    except CatalogueError:
        raise
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path.name}: cannot be read as JSON ({error}).") from error
    except RecursionError:
        raise CatalogueError(
            f"{path.name}: lists or objects in it are nested deeper than any card needs. Write it "
            "as the other cards are."
        ) from None
    for problem in _problems(card, path):
        raise CatalogueError(f"{path.name}: {problem}")
    return typing.cast(Card, card)


def _problems(card: Card, path: Path) -> typing.Iterator[str]:
    choices = {
        "task": TASKS,
        "activation": ACTIVATIONS,
        "ages": AGES,
        "geometry": GEOMETRIES,
        "scaling": SCALINGS,
        "architecture": ARCHITECTURES,
    }
    if card.id != path.stem:
        yield f"id is {card.id!r}, but the file is named {path.stem!r}."
    for name, known in choices.items():
        if getattr(card, name) not in known:
            yield f"{name} is {getattr(card, name)!r}; known are {', '.join(known)}."
    if unknown := [part for part in card.parts if part not in PARTS]:
        yield f"parts holds {unknown[0]!r}; known are {', '.join(PARTS)}."
    if not card.labels or len(set(card.labels)) != len(card.labels):
        yield "labels must be a list of different names."
    if card.task == "body-part" and set(card.labels) != {*PARTS, NONE_OF_THESE}:
        yield "a body-part detector's labels must be the eight parts and 'none of these'."
    if card.task == "body-part" and set(card.thresholds) != {NONE_OF_THESE}:
        yield "a body-part detector has one threshold, that of 'none of these'."
    if card.activation == "softmax" and len(card.labels) == 1:
        yield "a softmax over one label is always 1; its activation must be 'sigmoid'."
    if card.multi_label:
        yield from _multi_label_problems(card)
    if (card.scaling == "z-score") != _usable(card.mean_std):
        yield "mean_std must be [mean, standard deviation above 0] for the scaling 'z-score' only."
    if min(card.input_size) < 32:
        yield "input_size must be at least 32 x 32."
    if len(card.calibration.bias) != len(card.labels) or card.calibration.temperature <= 0:
        yield "calibration needs a temperature above 0 and one bias per label."
    for finding, labels in card.combined.items():
        if not set(labels) <= set(card.labels):
            yield f"combined[{finding!r}] names a label that the model does not have."
    for finding, threshold in card.thresholds.items():
        if finding not in card.labels and finding not in card.combined:
            yield f"thresholds has {finding!r}, which is neither a label nor combined."
        if not 0 < threshold < 1:
            yield f"threshold of {finding!r} is {threshold}, not between 0 and 1."
    if not card.thresholds:
        yield "thresholds is empty: nothing would be a finding."
    for finding, band in card.bands.items():
        if finding not in card.thresholds:
            yield f"bands has {finding!r}, which has no threshold."
        elif not band.low <= card.thresholds[finding] <= band.high:
            yield f"the band of {finding!r} leaves out its threshold. Run: measure conformal."


def _usable(mean_std: tuple[float, ...]) -> bool:
    return len(mean_std) == 2 and mean_std[1] > 0


def _multi_label_problems(card: Card) -> typing.Iterator[str]:
    if card.task == "body-part":
        yield "a body-part detector's activation must be 'softmax': a film shows one part."
    if card.combined:
        yield "combined adds up labels that exclude each other; a multi-label model's do not."
    if wrong := [label for label in card.labels if "|" in label or label == "none"]:
        yield f"labels holds {wrong[0]!r}; '|' and 'none' have their own meaning in its table."


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Types of a dataclass's fields, compiled once: a catalogue has hundreds of figures."""
    return typing.get_type_hints(kind)


def build(kind: Any, raw: Any, where: str) -> Any:
    """Fill a dataclass, tuple, dict or plain type from JSON, with errors that name the place."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(raw, dict):
            raise CatalogueError(f"{where}: must be an object, not {type(raw).__name__}.")
        hints = _hints(kind)
        known = {entry.name: entry for entry in fields(kind)}
        if unknown := [name for name in raw if name not in known]:
            raise CatalogueError(f"{where}: unknown field {unknown[0]!r}.")
        for name, entry in known.items():
            if name not in raw and entry.default is MISSING and entry.default_factory is MISSING:
                raise CatalogueError(f"{where}: the field {name!r} is missing.")
        return typing.cast(Any, kind)(
            **{name: build(hints[name], raw[name], f"{where}: {name}") for name in raw}
        )
    if origin is tuple:
        variable = len(arguments) == 2 and arguments[1] is Ellipsis
        if not isinstance(raw, list) or not (variable or len(raw) == len(arguments)):
            wanted = "a list" if variable else f"a list of {len(arguments)}"
            raise CatalogueError(f"{where}: must be {wanted}, not {raw!r}.")
        kinds = [arguments[0]] * len(raw) if variable else arguments
        return tuple(build(one, value, where) for one, value in zip(kinds, raw, strict=True))
    if origin is dict:
        if not isinstance(raw, dict):
            raise CatalogueError(f"{where}: must be an object, not {raw!r}.")
        return {key: build(arguments[1], value, f"{where}[{key!r}]") for key, value in raw.items()}
    if isinstance(kind, types.UnionType):  # X | None
        wanted_kind = next(one for one in arguments if one is not type(None))
        return None if raw is None else build(wanted_kind, raw, where)
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, kind) or (isinstance(raw, bool) and kind is not bool):
        raise CatalogueError(f"{where}: must be {kind.__name__}, not {raw!r}.")
    return raw

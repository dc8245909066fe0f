"""Options of a request: models, part, and what to draw; checked before a film is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xray_models import PARTS, catalogue
from xray_models.catalogue import CatalogueError
from xray_models.radiograph.ages import ADULT, CHILD
from xray_models.serve.refusals import Refused

__all__ = ["FIELDS", "Options", "from_fields"]

FIELDS = {
    "part": "Body part of all films, if you know better than the detector: " + ", ".join(PARTS),
    "model": "Id of a model to ask whatever the part. May be repeated.",
    "age": f"{CHILD} or {ADULT}, where the files do not say.",
    "invert": "true exchanges black and white, of negative films.",
    "boxes": "true adds boxes around the heat of each finding that is called.",
    "overlay": "true adds a PNG of film and heat for each finding that is called.",
    "label": "Finding to draw and box, called or not. May be repeated.",
    "method": "Method of the heat, such as grad-cam; the model's own by default.",
}
"""Fields of the form besides the files: name -> what it is for."""

_REPEATED = ("model", "label")
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


@dataclass(frozen=True)
class Options:
    """Options of a request; see `FIELDS`."""

    part: str | None = None
    models: tuple[str, ...] = ()
    age: str | None = None
    invert: bool = False
    boxes: bool = False
    overlay: bool = False
    labels: tuple[str, ...] = ()
    method: str | None = None

    @property
    def explained(self) -> bool:
        """Whether heat is needed."""
        return self.boxes or self.overlay


def from_fields(fields: Mapping[str, Sequence[str]]) -> Options:
    """Options from the fields of a form.

    Raises:
        Refused: a field is unknown, repeated, or holds what cannot be.
    """
    for name, values in fields.items():
        if name not in FIELDS:
            raise _wrong(f"There is no field {name!r}. Fields: {', '.join(FIELDS)}.")
        if len(values) > 1 and name not in _REPEATED:
            raise _wrong(f"The field {name} stands there {len(values)} times. Send it once.")
    models, labels = _several(fields, "model"), _several(fields, "label")
    options = Options(
        part=_one_of(fields, "part", PARTS),
        models=models,
        age=_one_of(fields, "age", (CHILD, ADULT)),
        invert=_switch(fields, "invert"),
        boxes=_switch(fields, "boxes"),
        overlay=_switch(fields, "overlay"),
        labels=labels,
        method=_first(fields, "method"),
    )
    _check_models(options)
    _check_method(options)
    return options


def _check_models(options: Options) -> None:
    try:
        cards = catalogue.catalogue()
    except CatalogueError as error:
        raise Refused(503, str(error)) from None
    readers = {name: card for name, card in cards.items() if card.task != "body-part"}
    for model in options.models:
        if model not in readers:
            raise _wrong(f"No model {model!r} reads films. Models: {', '.join(readers)}.")
    known = {label for card in readers.values() for label in card.findings}
    for label in options.labels:
        if label not in known:
            raise _wrong(f"No model knows the finding {label!r}. /api/v1/models lists them.")


def _check_method(options: Options) -> None:
    if options.method is None:
        return
    from xray_models.explain import methods

    try:
        methods.get(options.method)
    except ValueError as error:
        raise _wrong(str(error)) from None


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str | None:
    value = (fields.get(name) or ("",))[0].strip()
    return value or None


def _several(fields: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in fields.get(name, ()) if value.strip()))


def _one_of(fields: Mapping[str, Sequence[str]], name: str, known: Sequence[str]) -> str | None:
    value = _first(fields, name)
    if value is not None and value not in known:
        raise _wrong(f"The field {name} is {value!r}; it may be {', '.join(known)}.")
    return value


def _switch(fields: Mapping[str, Sequence[str]], name: str) -> bool:
    value = (_first(fields, name) or "").lower()
    if value not in (*_YES, *_NO):
        raise _wrong(f"The field {name} is {value!r}; it may be true or false.")
    return value in _YES


def _wrong(sentence: str) -> Refused:
    return Refused(422, sentence)

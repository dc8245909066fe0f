"""Films of a request, read one after the other: decoded apart, judged, boxed and drawn."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xray_models.radiograph import Radiograph, UnreadableRadiograph
from xray_models.serve.answers import BoxAnswer, FilmAnswer, OverlayAnswer, RefusedFilm
from xray_models.serve.options import Options
from xray_models.serve.refusals import ClientLeft, Refused
from xray_models.serve.uploads import SentFile
from xray_models.serve.work_queue import Stop

if TYPE_CHECKING:
    from xray_models.explain.heatmap import Heatmap
    from xray_models.pipeline import Finding, Reading
    from xray_models.radiograph.pool import Pool

__all__ = ["LONGEST", "read_films"]

LONGEST = 1600
"""Longer side of an overlay in pixels, at most: a larger film is drawn smaller."""

_Explained = tuple["Finding", "Heatmap | str", str]


class _TimeIsUp(Exception):
    """The request took longer than it may."""


def read_films(
    files: Sequence[SentFile],
    options: Options,
    decoders: Callable[[], Pool],
    seconds: int,
    stop: Stop,
) -> list[FilmAnswer | RefusedFilm]:
    """Read the films of a request, in their order.

    Args:
        files: as they were sent.
        options: checked already.
        decoders: gives the processes that decode films.
        seconds: that all films may take together; those after that are refused.
        stop: tells when the client left.

    Raises:
        ClientLeft: it did.
        Refused: the models cannot be used.
    """
    from xray_models.inference.weights import WeightsError
    from xray_models.pipeline import CannotClassify

    stop.within(seconds)
    found: list[FilmAnswer | RefusedFilm] = []
    for file in files:
        try:
            found.append(_read(file, options, decoders(), stop))
        except UnreadableRadiograph as error:
            found.append(RefusedFilm(file=file.name, error=str(error)))
        except _TimeIsUp:
            sentence = f"The request took more than {seconds} seconds. Send fewer films at once."
            found.append(RefusedFilm(file=file.name, error=sentence))
        except CannotClassify as error:
            raise Refused(422, str(error)) from None
        except (WeightsError, ValueError) as error:  # a card or weights that cannot be used
            raise Refused(503, f"The models cannot be used here now: {error}") from error
    return found


def _read(file: SentFile, options: Options, decoders: Pool, stop: Stop) -> FilmAnswer:
    from xray_models import pipeline

    def check() -> None:
        if stop.left:
            raise ClientLeft
        if stop():
            raise _TimeIsUp

    check()
    began = time.perf_counter()
    film = decoders.read(file.content, check, options.invert)
    decoding = time.perf_counter() - began
    check()
    reading = pipeline.read(film, options.part, options.models or None, age=options.age)
    line = {"file": file.name} | reading.as_dict()
    line["seconds"]["read"] = round(decoding, 4)
    line["seconds"]["total"] = round(reading.seconds["total"] + decoding, 4)
    if options.explained:
        line |= _drawn(film, reading, options, stop, check)
    return FilmAnswer(**line)


def _drawn(
    film: Radiograph,
    reading: Reading,
    options: Options,
    stop: Stop,
    check: Callable[[], None],
) -> dict[str, Any]:
    """Boxes and overlays, as far as they were asked for."""
    boxes: list[BoxAnswer] = []
    overlays: list[OverlayAnswer] = []
    for finding, heat, method in _explained(film, reading, options, stop, check):
        about = {"model": finding.model, "label": finding.label}
        if isinstance(heat, str):
            overlays.append(OverlayAnswer(**about, method=method, error=heat))
            continue
        if options.boxes:
            boxes += _boxes(film, finding, heat)
        if options.overlay:
            png = base64.b64encode(_overlay(film, heat)).decode()
            overlays.append(OverlayAnswer(**about, method=method, png=png))
    line: dict[str, Any] = {}
    if options.boxes:
        line["boxes"] = boxes
    if options.overlay or overlays:
        line["overlays"] = overlays
    return line


def _explained(
    film: Radiograph,
    reading: Reading,
    options: Options,
    stop: Stop,
    check: Callable[[], None],
) -> Iterator[_Explained]:
    """Findings with their heat, or with a sentence on why there is none."""
    from xray_models import catalogue, pipeline
    from xray_models.explain import MethodSpec
    from xray_models.explain.progress import Stopped

    for finding in reading.findings:
        named = finding.label in options.labels
        if not (named if options.labels else finding.positive):
            continue
        check()
        card = catalogue.get(finding.model)
        spec = MethodSpec(options.method) if options.method else MethodSpec.of_card(card)
        try:
            heat = pipeline.explain(
                film, finding.model, finding.label, spec=spec, stop=stop, every_label=True
            )
        except pipeline.CannotClassify as error:
            yield finding, str(error), spec.name
        except Stopped:
            check()
            raise _TimeIsUp from None
        else:
            yield finding, heat, spec.name


def _boxes(film: Radiograph, finding: Finding, heat: Heatmap) -> list[BoxAnswer]:
    from xray_models.explain.boxes import from_heat

    return [
        BoxAnswer(
            model=finding.model,
            label=finding.label,
            x=round(one.x, 1),
            y=round(one.y, 1),
            width=round(one.width, 1),
            height=round(one.height, 1),
            score=round(min(1.0, one.score or 0.0), 4),
            mass=round(min(1.0, one.mass or 0.0), 4),
        )
        for one in from_heat(heat.on_radiograph(), finding.label, size=film.file_shape)
    ]


def _overlay(film: Radiograph, heat: Heatmap) -> bytes:
    from xray_models.viz import overlay

    gray = overlay.shrink(film.pixels, LONGEST)
    drawn = overlay.overlay(gray, heat.on_radiograph(gray.shape), overlay.Style())
    return overlay.encode(drawn)

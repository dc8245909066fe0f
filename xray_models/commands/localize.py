"""`python -m xray_models localize`: boxes around heat for a list of films, without box training."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.catalogue import Card, CatalogueError, catalogue, get
from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.explain.box_files import FilmBoxes
    from xray_models.explain.boxes import Box, Rule
    from xray_models.radiograph import Radiograph

_NOTHING = ("no finding", "none")


class Format(StrEnum):
    """How boxes are written."""

    TEXT = "text"
    JSON = "json"
    COCO = "coco"


@dataclass(frozen=True)
class _Wanted:
    """A line of the list: a film, and the findings to box; None means those the model calls."""

    image: str
    labels: tuple[str, ...] | None


def localize(
    listed: Annotated[
        Path,
        typer.Argument(
            metavar="LIST",
            help="Text file: an image name a line, then, if you like, labels joined by '|'.",
        ),
    ],
    images: Annotated[Path, typer.Argument(help="Folder that holds the images.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    model: Annotated[
        str | None, typer.Option(help="Id of a model; by default those that fit each film.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="METHOD or METHOD@LAYER; what each model's card names by default."),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(
            help="fraction:0.5 (of the maximum), otsu, area:0.1 (of the film), or area: as much as "
            "people usually box for the finding, or for all findings where few boxes are known."
        ),
    ] = "fraction:0.5",
    written: Annotated[
        Format | None, typer.Option("--format", help="By default from the name: .json, else text.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Text only: go on after the last film in the file.")
    ] = False,
) -> None:
    """Box what a model's heat points at, in pixels of each film.

    Without labels in the list, the findings above their threshold are boxed. A box says where the
    heat is, not where a disease ends. For teaching and research, not for diagnosis.
    """
    from xray_models.explain import box_files
    from xray_models.explain.boxes import parse_rule
    from xray_models.radiograph import UnreadableRadiograph, read
    from xray_models.weights import WeightsError

    kind = written or (Format.JSON if out.suffix == ".json" else Format.TEXT)
    failed = False
    try:
        card = get(model) if model else None
        how = parse_rule(rule)
        wanted = _read_list(listed, images)
        _check_labels(wanted, card)
        done = _already(out) if resume and kind is Format.TEXT else []
        found: list[FilmBoxes] = list(done)
        known = {film.image for film in done}
        if kind is Format.TEXT and not known:
            out.write_text("", encoding="utf-8")
        with typer.progressbar([one for one in wanted if one.image not in known]) as films:
            for one in films:
                try:
                    film = read(images / one.image)
                except UnreadableRadiograph as error:
                    typer.echo(f"\n{one.image}: {error}", err=True)
                    failed = True
                    continue
                boxed = _boxed(one, film, card, method, how)
                found.append(boxed)
                if kind is Format.TEXT:
                    with out.open("a", encoding="utf-8") as file:
                        file.write(box_files.text([boxed]))
        by = method or (card.explanation.name if card else "the method of each model's card")
        made_by = f"{model or 'models that fit the film'}, {by}, {how}"
        if kind is Format.JSON:
            out.write_text(box_files.as_json(found, made_by), encoding="utf-8")
        if kind is Format.COCO:
            out.write_text(box_files.as_coco(found, made_by), encoding="utf-8")
    except (CatalogueError, WeightsError, ValueError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path.")
    typer.echo(f"{out}: {len(found)} films, {sum(len(film.boxes) for film in found)} boxes")
    if failed:
        raise typer.Exit(1)


def _boxed(
    one: _Wanted, film: Radiograph, card: Card | None, method: str | None, rule: Rule
) -> FilmBoxes:
    from xray_models.explain import at_layer, heat, targets
    from xray_models.explain.box_files import FilmBoxes
    from xray_models.explain.boxes import from_heat

    boxes: list[Box] = []
    for by, finding in _findings(one, film, card):
        target = targets.combined(by.labels, by.members(finding))
        name, layer = at_layer(method or by.explanation.name)
        hot = heat(by, film, target, name, layer).on_radiograph()
        boxes += from_heat(hot, finding, _with_area(rule, by, finding))
    return FilmBoxes(one.image, tuple(boxes), film.width, film.height)


def _findings(one: _Wanted, film: Radiograph, card: Card | None) -> list[tuple[Card, str]]:
    """What to box: the labels of the list, else what the models call."""
    import classify

    reading = classify.read(film, models=[card.id] if card else None)
    cards = {chosen.model: get(chosen.model) for chosen in reading.chosen}
    if one.labels is None:
        return [(cards[call.model], call.label) for call in reading.findings if call.positive]
    return [
        (by, finding)
        for by in cards.values()
        for finding in by.findings
        if finding.casefold() in {label.casefold() for label in one.labels}
    ]


def _with_area(rule: Rule, card: Card, finding: str) -> Rule:
    if rule.name != "area" or rule.value is not None:
        return rule
    from xray_models.evaluate.localisation_study import usual_area

    return rule.with_area(usual_area(card, finding))


def _read_list(listed: Path, images: Path) -> list[_Wanted]:
    """The films of a list; a name may hold spaces, so the longest start that is a file is taken.

    Raises:
        ValueError: a line names no file in the folder.
        OSError: the list cannot be read.
    """
    if not images.is_dir():
        raise ValueError(f"{images}: no such folder. Name the folder that holds the images.")
    found = []
    for number, line in enumerate(listed.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        for count in range(len(words), 0, -1):
            image = " ".join(words[:count])
            if (images / image).is_file():
                labels = [label.strip() for label in " ".join(words[count:]).split("|")]
                found.append(_Wanted(image, tuple(filter(None, labels)) or None))
                break
        else:
            raise ValueError(f"{listed}, line {number}: {images} holds no file {words[0]!r}.")
    return found


def _check_labels(wanted: list[_Wanted], card: Card | None) -> None:
    """See that the model, or else any model, knows every label of the list.

    Raises:
        ValueError: one is unknown.
    """
    cards = [card] if card else catalogue().values()
    findings = sorted({finding for one in cards for finding in one.findings})
    known = {*_NOTHING, *(finding.casefold() for finding in findings)}
    for one in wanted:
        for label in one.labels or ():
            if label.casefold() not in known:
                who = f"{card.id} knows no" if card else "no model knows the"
                raise ValueError(
                    f"{one.image}: {who} finding {label!r}. Findings: {', '.join(findings)}."
                )


def _already(out: Path) -> list[FilmBoxes]:
    from xray_models.explain.box_files import parse

    return parse(out.read_text(encoding="utf-8"), out.name) if out.is_file() else []

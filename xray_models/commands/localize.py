"""`python -m xray_models localize`: boxes around heat for a list of films, without box training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xray_models.catalogue import Card, CatalogueError, catalogue, get
from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.explain import MethodSpec
    from xray_models.explain.box_files import FilmBoxes
    from xray_models.explain.boxes import Box, Rule
    from xray_models.radiograph import Radiograph

__all__ = ["Format", "localize"]

_NOTHING = ("no finding", "none")


class Format(StrEnum):
    """How boxes are written."""

    TEXT = "text"
    JSON = "json"
    COCO = "coco"


@dataclass(frozen=True)
class _Wanted:
    """A line of the list.

    Attributes:
        line: its number, from 1.
        image: name of the film.
        labels: the findings to box; None means those that the models call.
    """

    line: int
    image: str
    labels: tuple[str, ...] | None

    @property
    def findings(self) -> set[str]:
        """The findings to box in lower case, without the words for none."""
        return {label.casefold() for label in self.labels or ()} - set(_NOTHING)


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
    age: Annotated[
        str | None, typer.Option(help="child or adult, of all films; by default as each file says.")
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
        bool, typer.Option(help="Text only: keep the films in the file, and box the others.")
    ] = False,
) -> None:
    """Box what a model's heat points at, in pixels of each film as its file stores it.

    Without labels in the list, the findings above their threshold are boxed. A box says where the
    heat is, not where a disease ends. For teaching and research, not for diagnosis.

    Ends with 1 if a film could not be read, or if anything that was asked for was left out: because
    no model was chosen for the film, none of those chosen knows the label or was made for the
    patient, or method, layer or rule do not fit one of them. The error output says what, why and
    what to do, and the other films go on. A film of which nothing could be boxed is not written, so
    that --resume tries it again.
    Ends with 2, before any film is read, if nothing can be boxed as it was asked for.
    """
    from xray_models import pipeline
    from xray_models.explain import MethodSpec, box_files
    from xray_models.explain.boxes import parse_rule
    from xray_models.inference.weights import WeightsError
    from xray_models.radiograph import read

    kind = written or (Format.JSON if out.suffix == ".json" else Format.TEXT)
    left_out = 0
    try:
        card = get(model) if model else None
        spec = MethodSpec.parse(method) if method else None
        how = parse_rule(rule)
        pipeline.check_age(age)
        wanted = _read_list(listed, images)
        _check_labels(wanted, card)
        _check_method(card, spec)
        _check_area(wanted, card, how)
        if not out.absolute().parent.is_dir():
            fail(f"--out is {out}: there is no such folder. Make it first.")
        done = _already(out) if resume and kind is Format.TEXT else []
        found: list[FilmBoxes] = list(done)
        known = {film.image for film in done}
        if kind is Format.TEXT and not known:
            out.write_text("", encoding="utf-8")
        with typer.progressbar([one for one in wanted if one.image not in known]) as films:
            for one in films:
                boxed = None
                try:
                    film = read(images / one.image)
                    boxed, left = _boxed(one, film, card, spec, how, age)
                except OSError as error:
                    left = [f"{error.strerror or error}. Check the file."]
                except (WeightsError, ValueError) as error:
                    left = [str(error)]
                for sentence in left:
                    place = f"{listed.name}, line {one.line}, {one.image}"
                    typer.echo(f"\n{place}: {sentence}", err=True)
                left_out += bool(left)
                if boxed is None:
                    continue
                found.append(boxed)
                if kind is Format.TEXT:
                    with out.open("a", encoding="utf-8") as file:
                        file.write(box_files.text([boxed]))
        by = spec or (MethodSpec.of_card(card) if card else "the method of each model's card")
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
    if left_out:
        message = "1 film was" if left_out == 1 else f"{left_out} films were"
        typer.echo(f"{message} not boxed as asked for; the lines above say why.", err=True)
        raise typer.Exit(1)


def _boxed(
    one: _Wanted,
    film: Radiograph,
    card: Card | None,
    spec: MethodSpec | None,
    rule: Rule,
    age: str | None,
) -> tuple[FilmBoxes | None, list[str]]:
    """A film's boxes, None where nothing could be boxed; and sentences on what was left out."""
    from xray_models.explain import MethodSpec, heat, targets
    from xray_models.explain.box_files import FilmBoxes
    from xray_models.explain.boxes import from_heat
    from xray_models.inference.weights import WeightsError

    asked, left = _findings(one, film, card, age)
    able = not left
    boxes: list[Box] = []
    for by, finding in asked:
        try:
            target = targets.combined(by.labels, by.members(finding))
            share = _with_area(rule, by, finding)
            hot = heat(by, film, target, spec or MethodSpec.of_card(by)).on_radiograph()
            boxes += from_heat(hot, finding, share, film.file_shape)
            able = True
        except (WeightsError, ValueError) as error:
            left.append(f"{finding!r} is not boxed by {by.id}: {error}")
    if left and not able:
        return None, left
    height, width = film.file_shape
    return FilmBoxes(one.image, tuple(boxes), width, height), left


def _findings(
    one: _Wanted, film: Radiograph, card: Card | None, age: str | None
) -> tuple[list[tuple[Card, str]], list[str]]:
    """What to box: the labels of the list, else what the models call; and what nobody can."""
    from xray_models import pipeline

    if one.labels and not one.findings:
        return [], []
    reading = pipeline.read(film, models=[card.id] if card else None, age=age)
    aside = reading.set_aside
    cards = {
        chosen.model: get(chosen.model) for chosen in reading.chosen if chosen.model not in aside
    }
    part = " or ".join(reading.parts)
    advice = f"If this is no {part}, name" if part else "Name"
    if not part:
        why = "the body-part detector does not recognize the film, so no model was chosen"
    elif not cards and aside:
        why = f"no model of the {part} was made for this patient"
    elif not cards:
        why = f"no model reads the {part}"
    else:
        why = f"none of the models chosen for the {part} knows it ({', '.join(cards)})"
    if one.labels is None and not cards:
        return [], [f"nothing is boxed: {why}. {advice} a model with --model."]
    if one.labels is None:
        called = [call for call in reading.findings if call.positive and call.model in cards]
        return [(cards[call.model], call.label) for call in called], []
    asked = _known_by(cards.values(), one.findings)
    known = {finding.casefold() for _, finding in asked}
    of_others = {own.casefold() for _, own in _known_by(map(get, aside), one.findings)}
    left = []
    for label in dict.fromkeys(one.labels):
        if label.casefold() in one.findings - known:
            if label.casefold() in of_others:
                reasons = " ".join(f"{model}: {said}" for model, said in aside.items())
                left.append(
                    f"{label!r} is not boxed. {reasons} Say --age, or name the model with --model."
                )
                continue
            able = [by.id for by, _ in _known_by(catalogue().values(), {label.casefold()})]
            left.append(
                f"{label!r} is not boxed: {why}. {advice} one that knows it with --model: "
                f"{', '.join(able)}."
            )
    return asked, left


def _known_by(cards: Iterable[Card], labels: set[str]) -> list[tuple[Card, str]]:
    """Every model with every finding of its own that is among some labels in lower case."""
    return [(by, own) for by in cards for own in by.findings if own.casefold() in labels]


def _with_area(rule: Rule, card: Card, finding: str) -> Rule:
    if rule.name != "area" or rule.value is not None:
        return rule
    from xray_models.evaluate.explanations.localization import usual_area

    return rule.with_area(usual_area(card, finding))


def _check_method(card: Card | None, spec: MethodSpec | None) -> None:
    """See that there is such a method, and that the model, if one is named, can be asked for it.

    Raises:
        ValueError: no such method or option, or it or its layer does not fit the model.
        WeightsError: the model's weights cannot be used.
    """
    from xray_models.explain import MethodSpec, methods
    from xray_models.inference import predict

    if spec is not None:
        methods.get(spec.method).checked(dict(spec.options))
    if card is None:
        return
    spec = spec or MethodSpec.of_card(card)
    network = predict.network(card)
    try:
        if objection := methods.objection(network, spec):
            raise ValueError(objection)
        for layer in spec.places:
            network.grid(layer or network.default_layer)
    except ValueError as error:
        raise ValueError(f"{spec.method} cannot be asked of {card.id}: {error}") from error


def _check_area(wanted: Sequence[_Wanted], card: Card | None, rule: Rule) -> None:
    """See that the usual area is known for anything that is asked for, where the rule needs it.

    Raises:
        ValueError: it is known for nothing.
    """
    called = any(one.labels is None for one in wanted)
    if called and card is None:
        return  # only the films tell which models and findings
    labels = set().union(*(one.findings for one in wanted))
    asked = _known_by([card] if card else catalogue().values(), labels)
    asked += [(card, finding) for finding in card.thresholds] if card and called else []
    problems = []
    for by, finding in asked:
        try:
            _with_area(rule, by, finding)
        except ValueError as error:
            problems.append(error)
    if problems and len(problems) == len(asked):
        raise problems[0]


def _read_list(listed: Path, images: Path) -> list[_Wanted]:
    """The films of a list; a name may hold spaces, so the longest start that is a file is taken.

    Raises:
        ValueError: a line names no file in the folder.
        OSError: the list cannot be read.
    """
    if not images.is_dir():
        raise ValueError(f"{images}: no such folder. Name the folder that holds the images.")
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{listed}: is no UTF-8 text. A list names one image a line; for a single film there "
            "is `python -m xray_models explain`."
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        for count in range(len(words), 0, -1):
            image = " ".join(words[:count])
            if (images / image).is_file():
                labels = [label.strip() for label in " ".join(words[count:]).split("|")]
                found.append(_Wanted(number, image, tuple(filter(None, labels)) or None))
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

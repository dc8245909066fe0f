"""Teaching sets: films with questions, truth and notes, as small text files to share.

A set is a TOML file. It names films and holds none: each by a path beside the file, an address, or
the name of a shared sample, with the SHA-256 of its file. docs/teaching.md describes the fields.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from xray_models import PARTS
from xray_models.radiograph.ages import ADULT, CHILD

__all__ = [
    "FORMAT",
    "MOST_FILMS",
    "Box",
    "DrawnSpot",
    "Question",
    "SetError",
    "TeachingFilm",
    "TeachingSet",
    "as_toml",
    "load",
    "parsed",
]

FORMAT = 1
"""Number of the format, the first line of a file."""
MOST_FILMS = 2000
"""Films in one set: a person reads no more, and a file of more is an accident."""
_MOST_BYTES = 4 * 2**20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AGES = ("", CHILD, ADULT)


class SetError(ValueError):
    """Error of a teaching set that cannot be used; it says where, what, and what to do."""


@dataclass(frozen=True)
class Question:
    """Question that is asked of every film, answered by yes or no with a confidence.

    Attributes:
        id: short name, as in links and tables.
        text: the question, for people.
        labels: findings of models that answer it with yes.
    """

    id: str
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """Place of a finding as people marked it.

    Attributes:
        question: id of the question that it answers.
        x, y: corner at the top left, in shares of the film's width and height.
        width, height: in shares of the film's width and height.
    """

    question: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class DrawnSpot:
    """Round spot that is drawn into a film, so that its truth is known exactly.

    Attributes:
        x, y: its middle, in shares of the film's width and height.
        radius: in shares of the film's width.
        contrast: added to the gray in its middle, in shares of black to white.
    """

    x: float
    y: float
    radius: float
    contrast: float


@dataclass(frozen=True)
class TeachingFilm:
    """Film of a set, where its file is, and what is true of it.

    Attributes:
        id: name within the set.
        sha256: of the file.
        path: of the file, relative to the set's own folder; empty where it comes otherwise.
        url: https address of the file; empty where it comes otherwise.
        sample: name of a shared sample; empty where it comes otherwise.
        part: body part; empty where the detector may tell.
        age: "child", "adult", or empty.
        truth: id of a question -> its true answer; a question that it lacks is not asked.
        boxes: true places.
        note: what there is to learn, told after the answer.
        mirrored: left and right are exchanged before it is shown.
        drawn: spot that is drawn into it before it is shown.
    """

    id: str
    sha256: str
    path: str = ""
    url: str = ""
    sample: str = ""
    part: str = ""
    age: str = ""
    truth: Mapping[str, bool] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    note: str = ""
    mirrored: bool = False
    drawn: DrawnSpot | None = None

    @property
    def hash(self) -> str:
        """SHA-256 that stands for the film as shown: of its file, and of what is done to it."""
        if not self.mirrored and self.drawn is None:
            return self.sha256
        edits = [self.mirrored, self.drawn and vars(self.drawn)]
        return hashlib.sha256(f"{self.sha256} {json.dumps(edits)}".encode()).hexdigest()

    def boxes_of(self, question: str) -> tuple[Box, ...]:
        """True places that answer a question."""
        return tuple(box for box in self.boxes if box.question == question)


@dataclass(frozen=True)
class TeachingSet:
    """Set of films with the questions that are asked of them.

    Attributes:
        id: short name, as in links and tables.
        title: for people.
        license: of the films.
        source: whose films they are.
        about: sentences on the set; they give no truth away.
        questions: asked of each film.
        films: in the order of the file.
        folder: that paths are relative to; None where the set has no paths.
    """

    id: str
    title: str
    license: str
    source: str
    about: str
    questions: tuple[Question, ...]
    films: tuple[TeachingFilm, ...]
    folder: Path | None = None

    def film(self, name: str) -> TeachingFilm:
        """Film by its name within the set.

        Raises:
            SetError: there is none of this name.
        """
        for film in self.films:
            if film.id == name:
                return film
        raise SetError(f"The set {self.id!r} has no film {name!r}.")

    def question(self, name: str) -> Question:
        """Question by its id.

        Raises:
            SetError: there is none of this id.
        """
        for question in self.questions:
            if question.id == name:
                return question
        raise SetError(f"The set {self.id!r} has no question {name!r}.")

    @property
    def parts(self) -> tuple[str, ...]:
        """Body parts of its films, in the order of the catalogue."""
        named = {film.part for film in self.films}
        return tuple(part for part in PARTS if part in named)


def load(path: Path) -> TeachingSet:
    """Read a set from its file.

    Args:
        path: of the TOML file; paths of films are relative to its folder.

    Raises:
        SetError: the file is missing, too large, no TOML, or not a set; the message says where.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SetError(f"{path.name}: a set is a small text file, and this one has over 4 MB.")
        content = path.read_bytes()
    except OSError as error:
        raise SetError(f"{path.name}: cannot be read ({error.strerror}).") from error
    return replace(parsed(content, path.name), folder=path.resolve().parent)


def parsed(content: bytes, name: str) -> TeachingSet:
    """Set of a file's content; without a folder for paths.

    Args:
        content: TOML in UTF-8.
        name: of the file, for messages.

    Raises:
        SetError: no TOML, or not a set; the message says where and what to do.
    """
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise SetError(f"{name}: is not text in UTF-8. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SetError(f"{name}: is not TOML ({error}).") from None
    top = _Table(table, name)
    if top.take("format", int) != FORMAT:
        raise SetError(f"{name}: this version reads format = {FORMAT}. Set that line first.")
    questions = tuple(_question(one) for one in top.tables("questions"))
    if not questions:
        raise top.wrong("needs at least one [[questions]]")
    _once([one.id for one in questions], "question", name)
    known = {one.id for one in questions}
    films = tuple(_film(one, known) for one in top.tables("films"))
    if not films:
        raise top.wrong("needs at least one [[films]]")
    if len(films) > MOST_FILMS:
        raise top.wrong(f"has {len(films):,} films; {MOST_FILMS:,} are the most")
    _once([one.id for one in films], "film", name)
    found = TeachingSet(
        id=top.name("id"),
        title=top.take("title", str),
        license=top.take("license", str),
        source=top.take("source", str, ""),
        about=top.take("about", str, ""),
        questions=questions,
        films=films,
    )
    top.end()
    return found


def as_toml(teaching_set: TeachingSet) -> str:
    """Text of a set's file, as `parsed` reads it."""
    lines = [f"format = {FORMAT}"]
    for key in ("id", "title", "license", "source", "about"):
        if value := getattr(teaching_set, key):
            lines.append(f"{key} = {_string(value)}")
    for question in teaching_set.questions:
        labels = ", ".join(_string(one) for one in question.labels)
        lines += ["", "[[questions]]", f"id = {_string(question.id)}"]
        lines += [f"text = {_string(question.text)}", f"labels = [{labels}]"]
    for film in teaching_set.films:
        lines += ["", "[[films]]", *_film_lines(film)]
    return "\n".join(lines) + "\n"


def _film_lines(film: TeachingFilm) -> list[str]:
    lines = [
        f"{key} = {_string(value)}"
        for key in ("id", "path", "url", "sample", "sha256", "part", "age", "note")
        if (value := getattr(film, key))
    ]
    answers = ", ".join(f"{_string(key)} = {str(yes).lower()}" for key, yes in film.truth.items())
    lines.append(f"truth = {{ {answers} }}")
    if film.mirrored:
        lines.append("mirrored = true")
    if film.drawn is not None:
        lines.append(f"drawn = {{ {_numbers(vars(film.drawn))} }}")
    if film.boxes:
        lines.append("boxes = [")
        for box in film.boxes:
            place = {key: value for key, value in vars(box).items() if key != "question"}
            lines.append(f"  {{ question = {_string(box.question)}, {_numbers(place)} }},")
        lines.append("]")
    return lines


class _Table:
    """Table of the file whose fields are taken one by one, so that unknown ones are told."""

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        self.fields, self.where = dict(fields), where

    def wrong(self, what: str) -> SetError:
        return SetError(f"{self.where}: {what}.")

    def take(self, key: str, kind: type, otherwise: Any = None) -> Any:
        if key not in self.fields:
            if otherwise is None:
                raise self.wrong(f"lacks {key!r}")
            return otherwise
        value = self.fields.pop(key)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(f"{key!r} must be {_KINDS[kind]}, and is {value!r}")
        return value

    def name(self, key: str) -> str:
        value: str = self.take(key, str)
        if not _NAME.fullmatch(value):
            raise self.wrong(
                f"{key!r} is {value!r}; use small letters, digits, dots, dashes, 64 at most"
            )
        return value

    def share(self, key: str) -> float:
        value: float = self.take(key, float)
        if not 0 <= value <= 1:
            raise self.wrong(f"{key!r} is {value}; places are shares of the film, from 0 to 1")
        return value

    def tables(self, key: str) -> list[_Table]:
        value = self.take(key, list, [])
        if not all(isinstance(one, dict) for one in value):
            raise self.wrong(f"{key!r} must be a list of tables")
        return [_Table(one, f"{self.where}, {key} {n}") for n, one in enumerate(value, 1)]

    def end(self) -> None:
        if self.fields:
            raise self.wrong(f"has no field {next(iter(self.fields))!r}; is it misspelled?")


_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def _question(table: _Table) -> Question:
    labels = table.take("labels", list, [])
    if not all(isinstance(one, str) and one for one in labels):
        raise table.wrong("'labels' must be names of findings, in quotes")
    found = Question(table.name("id"), table.take("text", str), tuple(labels))
    table.end()
    return found


def _film(table: _Table, questions: set[str]) -> TeachingFilm:
    truth = table.take("truth", dict)
    for key, value in truth.items():
        if key not in questions:
            raise table.wrong(f"its truth answers {key!r}, which is no question of this set")
        if not isinstance(value, bool):
            raise table.wrong(f"the truth of {key!r} must be true or false, and is {value!r}")
    if not truth:
        raise table.wrong("its truth answers no question")
    film = TeachingFilm(
        id=table.name("id"),
        sha256=table.take("sha256", str).lower(),
        path=table.take("path", str, ""),
        url=table.take("url", str, ""),
        sample=table.take("sample", str, ""),
        part=table.take("part", str, ""),
        age=table.take("age", str, ""),
        truth=truth,
        boxes=tuple(_box(one, truth) for one in table.tables("boxes")),
        note=table.take("note", str, ""),
        mirrored=table.take("mirrored", bool, False),
        drawn=_drawn(table),
    )
    _check_film(table, film)
    table.end()
    return film


def _check_film(table: _Table, film: TeachingFilm) -> None:
    if not _SHA256.fullmatch(film.sha256):
        raise table.wrong("'sha256' must have 64 digits from 0 to f")
    if sum(bool(one) for one in (film.path, film.url, film.sample)) != 1:
        raise table.wrong("needs exactly one of path, url and sample")
    if film.url and not film.url.startswith("https://"):
        raise table.wrong("'url' must begin with https://")
    if film.path:
        path = PurePosixPath(film.path)
        if path.is_absolute() or ".." in path.parts or "\\" in film.path or ":" in film.path:
            raise table.wrong("'path' must lie in the set's own folder, with / between names")
    if film.part and film.part not in PARTS:
        raise table.wrong(f"'part' is {film.part!r}; parts are {', '.join(PARTS)}")
    if film.age not in _AGES:
        raise table.wrong(f"'age' is {film.age!r}; give {CHILD!r} or {ADULT!r}, or leave it out")


def _box(table: _Table, truth: Mapping[str, bool]) -> Box:
    question = table.take("question", str)
    if not truth.get(question):
        raise table.wrong(f"is of {question!r}, whose truth here is not true")
    place = [table.share(key) for key in ("x", "y", "width", "height")]
    if not place[2] or not place[3] or place[0] + place[2] > 1.001 or place[1] + place[3] > 1.001:
        raise table.wrong("must have a size and lie on the film")
    table.end()
    return Box(question, *place)


def _drawn(table: _Table) -> DrawnSpot | None:
    if "drawn" not in table.fields:
        return None
    inner = _Table(table.take("drawn", dict), f"{table.where}, drawn")
    found = DrawnSpot(*(inner.share(key) for key in ("x", "y", "radius", "contrast")))
    inner.end()
    return found


def _once(names: Sequence[str], what: str, where: str) -> None:
    twice = {one for one in names if names.count(one) > 1} if len(set(names)) < len(names) else ()
    if twice:
        raise SetError(f"{where}: the {what} {min(twice)!r} stands there twice. Rename one.")


def _string(text: str) -> str:
    """Basic string of TOML; what JSON writes is one, but for the control character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _numbers(fields: Mapping[str, float]) -> str:
    return ", ".join(f"{key} = {float(value):.6g}" for key, value in fields.items())

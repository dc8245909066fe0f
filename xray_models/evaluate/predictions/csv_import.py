"""Tables of truth and probabilities of any model, read from CSV: guessed, confirmed, checked.

Names of columns differ from project to project. `guess` proposes what each column is; a reader
confirms or corrects it; `predictions` checks every cell and gives what the pages are drawn from.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pandas as pd

from xray_models.evaluate.predictions.predictions import MOST_SUBGROUPS, Predictions
from xray_models.evaluate.predictions.truth_columns import (
    NAMELESS,
    CellMeanings,
    TruthColumns,
    label_beside,
    minus_one_is_unclear,
    names_in,
    of_names,
    of_one_or_zero,
    plain,
    spelled_out,
)

__all__ = [
    "MOST_BYTES",
    "MOST_COLUMNS",
    "Columns",
    "LabelColumns",
    "PredictionsError",
    "as_predictions",
    "check_minus_one",
    "guess",
    "read",
]

MOST_BYTES = 300 * 2**20
"""A table larger than this, unpacked, is refused: it would not fit beside the models."""

MOST_COLUMNS = 1000
"""A table of predictions has a few columns for each label."""

_RATIO_COUNTS_FROM = 16 * 2**20
_MOST_RATIO = 100  # unpacked to packed: tables of numbers reach about 10
_NEAR = 1e-4  # a probability may miss 0 or 1 by so much, as sums and rounding make it
_DECIMAL_COMMA = r"^\s*([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)\s*$"
_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n"])"?[,;\t|]*\r?\n')  # Excel's own first line
_FIRST_LINE = 2**20  # characters in which the separator is looked for

_GZIP = b"\x1f\x8b"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods are ZIP archives
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_IMAGE = ("image", "image_index", "image_id", "film", "file", "filename", "path", "study", "id")
_GROUP = ("group", "patient", "patient_id", "patientid", "subject_id", "subject", "case_id")
_WORDS_OF_PROBABILITY = (
    "p",
    "prob",
    "proba",
    "probs",
    "probability",
    "pred",
    "prediction",
    "predicted",
    "score",
    "yhat",
    "y_pred",
    "y_prob",
    "y_score",
)
_AGES = (18, 40, 60, 80)
_AGE_BANDS = ("0-17", "18-39", "40-59", "60-79", "80-120")


class PredictionsError(ValueError):
    """A table cannot be used; the message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class LabelColumns:
    """Columns of truth and probability of one label."""

    label: str
    truth: str
    probability: str


@dataclass(frozen=True)
class Columns:
    """Columns of a table by what they hold.

    Attributes:
        labels: at least one, each with its two columns.
        image: names the films, or None: then rows are numbered.
        group: patient or the like, or None: then each film counts for itself.
        subgroups: columns to divide the films by.
        unused: columns that are none of these.
        doubts: sentences on where several columns could be meant: ask before you judge.
    """

    labels: tuple[LabelColumns, ...]
    image: str | None = None
    group: str | None = None
    subgroups: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read(source: bytes | str | os.PathLike[str], name: str = "") -> pd.DataFrame:
    """Cells of a CSV file as text: comma, semicolon, tab or bar between them, gzip or not.

    A first line "sep=;" names the separator; else the one that is most frequent outside quotes in
    the first line is taken. Text is UTF-8 or UTF-16, else Windows-1252, as spreadsheets of Western
    Europe save it. Rows without a cell, and columns without name and cells, are left out.

    Args:
        source: the file's content, or its path.
        name: of the file, for messages; by default its path's.

    Returns:
        str in every cell, "" for an empty one; a column per name in the first line.

    Raises:
        PredictionsError: missing, too large, no text, no rows, or a column's name repeats or is
            missing in several.
    """
    if isinstance(source, bytes):
        content = source
    else:
        path = Path(source)
        name = name or path.name
        try:
            if path.stat().st_size > MOST_BYTES:
                raise PredictionsError(_too_large(name))
            content = path.read_bytes()
        except OSError as error:
            raise PredictionsError(f"{name}: cannot be read ({error.strerror}).") from error
    name = name or "The table"
    text = _decoded(_unpacked(content, name), name)
    separator, text = _separated(text)
    # before pandas, whose time grows with the square of the columns
    if (columns := text.partition("\n")[0].count(separator) + 1) > MOST_COLUMNS:
        raise PredictionsError(
            f"{name}: has {columns:,} columns; RadLens reads up to {MOST_COLUMNS:,}. Leave out "
            "those that are not needed."
        )
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False
        )
    except ValueError as error:  # pandas raises ValueErrors for anything malformed
        why = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise PredictionsError(f"{name}: cannot be read as CSV ({why}).") from error
    cells = _without_empty(cells)
    if cells.empty:
        raise PredictionsError(f"{name}: holds nothing but empty cells. Choose another table.")
    header = [cell.strip() for cell in cells.iloc[0]]
    if header.count("") > 1:
        raise PredictionsError(
            f"{name}: {header.count('')} columns hold cells but have no name in the first line. "
            "Name them, or leave them out."
        )
    if repeated := sorted(cell for cell, times in Counter(header).items() if times > 1):
        raise PredictionsError(f"{name}: the column {repeated[0]!r} is there twice. Rename one.")
    table = cells.iloc[1:].set_axis(header, axis="columns").reset_index(drop=True)
    if table.empty:
        raise PredictionsError(f"{name}: holds no rows below its first line.")
    return table


def guess(table: pd.DataFrame) -> Columns:
    """Guess what the columns are, by their names and contents. Show it before you use it.

    A label needs two columns: a probability (`prob_Edema`, `p:Edema`, `Edema_score`...) and a truth
    (`true_Edema`, `Edema_label`, `Edema`), or a column of names ("Edema|Mass", "none") for all
    labels. One pair without a label's name ("y_true", "score") is called "finding".

    Raises:
        PredictionsError: no such pair; the message lists the columns.
    """
    labels, doubts = _pairs(table)
    if not labels:
        raise PredictionsError(
            "No pair of columns looks like the truth (0 or 1) and the probability (0 to 1) of a "
            "label. Name them like true_Edema and prob_Edema. Columns: "
            f"{', '.join(map(str, table.columns[:30]))}."
        )
    used = {column for one in labels for column in (one.truth, one.probability)}
    by_name = {plain(column): column for column in table.columns if column not in used}
    image = next((by_name[name] for name in _IMAGE if name in by_name), None)
    group = next((by_name[name] for name in _GROUP if name in by_name), None)
    rest = [column for column in table.columns if column not in {*used, image, group}]
    subgroups = [column for column in rest if _divided(column, table[column])]
    return Columns(
        tuple(labels),
        image,
        group,
        tuple(subgroups),
        tuple(column for column in rest if column not in subgroups),
        tuple(doubts),
    )


def as_predictions(
    table: pd.DataFrame, columns: Columns, name: str, meanings: CellMeanings | None = None
) -> Predictions:
    """Predictions of a table whose columns are known, every cell checked.

    Truth is 1 or 0 (or true/false, yes/no, positive/negative); empty, -1 and "unknown" mean that
    nobody knows, and such films are left out of that label's figures.

    Args:
        table: of `read`.
        columns: of `guess`, as confirmed.
        name: to show for the model.
        meanings: of empty cells of the truth and of -1.

    Raises:
        PredictionsError: a column is missing, a cell is neither a truth nor a probability (which
            may miss 0 or 1 by 1e-4), or nobody said what -1 means beside 1 without 0.
    """
    asked = [*(one.truth for one in columns.labels), *(one.probability for one in columns.labels)]
    asked += [*columns.subgroups, *filter(None, (columns.image, columns.group))]
    if missing := [column for column in asked if column not in table.columns]:
        known = ", ".join(map(str, table.columns))
        raise PredictionsError(f"{name}: there is no column {missing[0]!r}. Columns: {known}.")
    if not columns.labels:
        raise PredictionsError(f"{name}: choose the columns of at least one label.")
    labels = tuple(one.label for one in columns.labels)
    if len(set(labels)) < len(labels):
        raise PredictionsError(f"{name}: two labels have the same name. Rename one.")
    rows = np.arange(1, len(table) + 1).astype(str)
    meanings = meanings or CellMeanings()
    for one in columns.labels:
        check_minus_one(table[one.truth], meanings, name)
    notes = _repeated(table, columns)
    if columns.group is None:
        notes.append(
            "No column names the patients, so each film counts for itself: where one patient has "
            "several films, intervals are too narrow."
        )
    subgroups = {}
    for column in columns.subgroups:
        divided = _divided(column, table[column])
        if divided is None:
            raise PredictionsError(
                f"{name}: {column!r} has {table[column].nunique()} different values; to compare "
                f"subgroups there must be 2 to {MOST_SUBGROUPS}."
            )
        subgroups[divided[0]] = divided[1]
    found = Predictions(
        name=name,
        labels=labels,
        truth=np.column_stack(
            [
                _truth(spelled_out(table[one.truth], meanings), one.label, name)
                for one in columns.labels
            ]
        ),
        scores=np.column_stack(
            [_probability(table[one.probability], name) for one in columns.labels]
        ),
        groups=rows if columns.group is None else _groups(table[columns.group]),
        images=rows if columns.image is None else table[columns.image].to_numpy(str),
        subgroups=subgroups,
    )
    for label, unknown in zip(labels, np.isnan(found.truth).sum(axis=0), strict=True):
        if unknown:
            notes.append(
                f"{label}: truth unknown for {unknown:,} of {found.films:,} films: left out."
            )
    return replace(found, notes=tuple(notes))


def _spelled(column: str, label: str) -> str:
    """A label as its column spells it: prob_Pleural_Thickening gives Pleural Thickening."""
    if label == NAMELESS:
        return "finding"
    letters = "".join(one if one.isalnum() else "_" for one in normalize("NFKC", column))
    start = letters.lower().find(label)
    spelled = letters[start : start + len(label)] if start >= 0 else label
    return spelled.replace("_", " ").strip()


def check_minus_one(cells: pd.Series, meanings: CellMeanings, name: str) -> None:
    """Ask what -1 means where a column of truth says 1 and -1 but never 0.

    Raises:
        PredictionsError: nobody said it yet.
    """
    if meanings.minus_one is None and minus_one_is_unclear(cells):
        raise PredictionsError(
            f"{name}: the truth in {cells.name!r} says 1 and -1 but never 0, so that -1 may mean "
            "that a film does not have it, or that nobody knows. Say which."
        )


def _repeated(table: pd.DataFrame, columns: Columns) -> list[str]:
    """Sentences on films and patients that stand in several rows."""
    notes = []
    if columns.image is not None and (more := int(table[columns.image].duplicated().sum())):
        notes.append(
            f"{more:,} rows repeat the name of a film ({columns.image}): each row counts by itself."
        )
    if columns.group is not None:
        cells = table[columns.group]
        named = cells[cells.str.strip() != ""]
        if named.duplicated().any():
            notes.append(
                f"{len(named):,} rows are of {named.nunique():,} different {columns.group}: the "
                "intervals draw the rows of one together."
            )
    return notes


def _pairs(table: pd.DataFrame) -> tuple[list[LabelColumns], list[str]]:
    """Labels with a column of probabilities and one of truth, and where others could be meant."""
    candidates: dict[str, list[str]] = {}
    for column in table.columns:
        label = label_beside(column, _WORDS_OF_PROBABILITY)
        if label is not None and _holds_numbers(table[column]):
            candidates.setdefault(label, []).append(column)
    truths = TruthColumns(table.drop(columns=[one for some in candidates.values() for one in some]))
    named = truths.named()
    only = len(candidates) == 1
    pairs, doubts = [], []
    for label, columns in candidates.items():
        # calls of 0 and 1 (y_pred) beside scores (y_prob) are no probabilities
        soft = [column for column in columns if not _only_calls(table[column])] or columns
        column = soft[0]
        spelled = _spelled(column, label)
        places = truths.alternatives(spelled, only=only)
        for what, several in (("probability", soft), ("truth", list(map(str, places)))):
            if len(several) > 1:
                doubts.append(f"The {what} of {spelled} may be {' or '.join(several)}.")
        if only and label == NAMELESS and len(named) == 1:
            # "score" beside "true_Edema": the truth says of what
            ((label, found),) = named.items()
            pairs.append(LabelColumns(_spelled(found.column, label), found.column, column))
        elif places:
            guessed = places[0]
            name = guessed.names[0] if guessed.names else spelled
            pairs.append(LabelColumns(name, guessed.column, column))
    return pairs, doubts


def _numbers(cells: pd.Series) -> pd.Series:
    """Cells as numbers, with a point or a comma before the decimals; NaN for what is none.

    A percentage ("41.7 %") is the hundredth of its number.
    """
    percent = cells.str.rstrip().str.endswith("%")
    if percent.any():
        cells = cells.mask(percent, cells.str.rstrip().str.removesuffix("%"))
    cells = cells.str.strip().str.replace(_DECIMAL_COMMA, r"\1.\2", regex=True)
    found = pd.to_numeric(cells, errors="coerce")
    return found.mask(percent, found / 100) if percent.any() else found


def _holds_numbers(cells: pd.Series) -> bool:
    return bool(_numbers(cells).notna().mean() > 0.5)


def _only_calls(cells: pd.Series) -> bool:
    return bool(_numbers(cells).dropna().isin((0, 1)).all())


def _truth(cells: pd.Series, label: str, name: str) -> np.ndarray:
    if plain(label) in map(plain, names_in(cells)):
        return of_names(cells, [label])
    try:
        return of_one_or_zero(cells)
    except ValueError as error:
        (row,) = error.args
        raise PredictionsError(
            f"{name}, row {row + 1}: the truth in {cells.name!r} is {cells.iloc[row]!r}. Give 1 "
            "or 0, or nothing where nobody knows."
        ) from None


def _probability(cells: pd.Series, name: str) -> np.ndarray:
    values = _numbers(cells).to_numpy(np.float64)
    wrong = ~((values >= -_NEAR) & (values <= 1 + _NEAR))  # true for NaN as well
    if wrong.any():
        row = int(np.argmax(wrong))
        raise PredictionsError(
            f"{name}, row {row + 1}: the probability in {cells.name!r} is {cells.iloc[row]!r}. "
            "Give a number from 0 to 1: divide percentages by 100, put logits through a sigmoid."
        )
    return values.clip(0, 1)


def _divided(column: str, cells: pd.Series) -> tuple[str, np.ndarray] | None:
    """A column as subgroups, ages in bands; None if it has one value only, or too many."""
    title, values = column, cells.to_numpy(str)
    ages = _numbers(cells)
    if plain(column) in ("age", "patient_age") and ages.notna().any():
        band = np.searchsorted(_AGES, ages.to_numpy(np.float64), side="right")
        known = (ages >= 0).to_numpy(bool)
        values = np.where(known, np.array(_AGE_BANDS)[np.where(known, band, 0)], "")
        title = "age band"
    return (title, values) if 2 <= len(np.unique(values)) <= MOST_SUBGROUPS else None


def _groups(cells: pd.Series) -> np.ndarray:
    """Groups; a film without one counts for itself."""
    rows = np.arange(1, len(cells) + 1).astype(str)
    values = cells.str.strip().to_numpy(str)
    return np.where(values == "", np.char.add("row ", rows), values)


def _without_empty(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells without the empty rows and columns that spreadsheets leave at the edges of a table."""
    beginning = cells[cells[0].str.strip() == ""]
    empty = (beginning.apply(lambda column: column.str.strip()) == "").all(axis=1)
    cells = cells.drop(index=empty[empty].index)
    if cells.empty:
        return cells
    nameless = [at for at in cells.columns if not cells[at].iloc[0].strip()]
    return cells.drop(columns=[at for at in nameless if (cells[at].str.strip() == "").all()])


def _separated(text: str) -> tuple[str, str]:
    """Separator of a table, and its text without a line that only names it."""
    if line := _SEPARATOR_LINE.match(text):
        return line[1], text[line.end() :]
    outside = re.sub(r'"[^"]*"', "", text[:_FIRST_LINE]).partition("\n")[0]
    return max(_SEPARATORS, key=outside.count), text


def _unpacked(content: bytes, name: str) -> bytes:
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as packed:
                most = min(MOST_BYTES, max(_RATIO_COUNTS_FROM, len(content) * _MOST_RATIO))
                content = packed.read(most + 1)
            if len(content) > most:
                raise PredictionsError(_too_large(name))
        except (OSError, EOFError, zlib.error) as error:
            raise PredictionsError(f"{name}: the gzip file is damaged ({error}).") from error
    if len(content) > MOST_BYTES:
        raise PredictionsError(_too_large(name))
    return content


def _decoded(content: bytes, name: str) -> str:
    if content.startswith(_WORKBOOKS):
        raise PredictionsError(
            f"{name}: is a workbook or an archive, not text. Save its sheet as CSV from your "
            "spreadsheet."
        )
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise PredictionsError(
            f"{name}: is no text. Save it as CSV in UTF-8, for example from your spreadsheet."
        )
    if not text.strip():
        raise PredictionsError(f"{name}: is empty.")
    return text


def _encodings(content: bytes) -> tuple[str, ...]:
    """Encodings that the bytes of a table can be in, the likeliest first."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    first, second = content[0:4:2], content[1:4:2]
    if second == b"\0\0" and b"\0" not in first:
        return ("utf-16-le",)
    if first == b"\0\0" and b"\0" not in second:
        return ("utf-16-be",)
    return ("utf-8-sig",) if _NO_TEXT.search(content) else ("utf-8-sig", "cp1252")


def _too_large(name: str) -> str:
    return f"{name}: is larger than {MOST_BYTES // 2**20} MB. Leave out columns or films."

"""CSV of results that grows as films are scored, and goes on where it was interrupted.

Beside the CSV lies a small journal: the settings of the run, and how many bytes of the CSV are
whole. What stands beyond them, from a run that ended in the middle of a line, is cut off.

Films are told apart by the column `key`, never by their shown names. Of equal shown names the one
that is written later gets " (2)", and what is written keeps its name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xray_models.batch.film_names import UniqueNames
from xray_models.batch.results import ResultsError, as_csv, read_csv, rows

if TYPE_CHECKING:
    from xray_models.batch.score import Scored

__all__ = ["GrowingFile", "held"]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file of results for one run: two that write into it would destroy each other's rows.

    The system lets go of it when the run ends, however that may be. Windows, and network drives
    that know no locks, do not keep a second run away.

    Args:
        path: of the CSV; made empty if it is not there.

    Raises:
        ResultsError: another run holds it.
        OSError: it cannot be written.
    """
    with path.open("ab") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ResultsError(
                    f"Another run is writing {path}. Wait until it ends, or name another file."
                ) from None
            except OSError:  # a drive without locks
                pass
        yield


class GrowingFile:
    """File of the results of one run, on disk.

    Attributes:
        done: keys of the files that have their rows already. These and their names, and nothing
            else, grow with the number of films.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Begin a file, or go on with one.

        Args:
            path: of the CSV.
            settings: all that the results depend on, ready for JSON.

        Raises:
            ResultsError: the file is none of ours, was changed, or was begun with other settings.
            OSError: it cannot be read or written.
        """
        self.path = path
        self.journal = path.with_name(f"{path.name}.progress.json")
        self._settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.done: set[str] = set()
        self._names = UniqueNames()
        if path.exists() and not self._never_begun():
            self._go_on()
        else:
            self._append(as_csv([]).encode(), 0)

    def write(self, scored: Sequence[Scored]) -> None:
        """Append the rows of some files, all or none of them even if the machine fails.

        Raises:
            OSError: the disk is full, or the like.
        """
        if not scored:
            return
        apart = [replace(one, file=self._names(one.file)) for one in scored]
        text = as_csv((row for one in apart for row in rows(one)), header=False)
        self._append(text.encode(), self._bytes)
        self.done.update(one.key for one in apart)

    def _never_begun(self) -> bool:
        """Whether a run ended between making the file and its journal: no row is lost then."""
        head = as_csv([]).encode()
        if self.journal.exists() or self.path.stat().st_size > len(head):
            return False
        return head.startswith(self.path.read_bytes())

    def _append(self, content: bytes, at: int) -> None:
        with self.path.open("r+b" if at else "wb") as file:
            file.seek(at)
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._bytes = at + len(content)
        note = json.dumps({"bytes": self._bytes, "settings": self._settings}, indent=1)
        beside = self.journal.with_name(f"{self.journal.name}.new")
        beside.write_text(note, encoding="utf-8")
        beside.replace(self.journal)

    def _go_on(self) -> None:
        try:
            note = json.loads(self.journal.read_text(encoding="utf-8"))
            self._bytes, begun = int(note["bytes"]), dict(note["settings"])
        except FileNotFoundError:
            raise ResultsError(
                f"{self.path} is there already, without the journal {self.journal.name} that says "
                "how it was made. Name another file, or remove this one."
            ) from None
        except (ValueError, KeyError, TypeError):
            raise ResultsError(
                f"{self.journal} is damaged, so {self.path.name} cannot be gone on with. Name "
                "another file, or remove both."
            ) from None
        if different := _difference(begun, self._settings):
            raise ResultsError(
                f"{self.path} was begun with other settings: {different}. Repeat the command with "
                "those, or name another file."
            )
        if self.path.stat().st_size < self._bytes:
            raise ResultsError(
                f"{self.path} is shorter than {self.journal.name} says: it was changed. Name "
                "another file, or remove both."
            )
        os.truncate(self.path, self._bytes)
        named = {row.identity: row.file for row in read_csv(self.path)}
        self.done, self._names = set(named), UniqueNames(named.values())


def _difference(begun: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first setting that is not the same, in words; empty if all are."""
    for name in {**begun, **now}:
        before, after = begun.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
            if changed:
                return f"{name} {', '.join(changed)} changed since"
        elif before != after:
            return f"{name} was {_said(before)} and now is {_said(after)}"
    return ""


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "not given"
    return "not given" if value is None else str(value)

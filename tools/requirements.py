"""The files requirements*.txt, made from pyproject.toml, and the check that they agree with it.

    python tools/requirements.py            writes them: needs uv and the package index
    python tools/requirements.py --check    compares them: needs neither

The ranges in pyproject.toml say what RadLens can work with. The files pin what it was tested with,
and what its packages need in turn. They are resolved for every Python and system at once
(--universal), so one file serves all that the README names. A pin stays until its range moves on or
its line is deleted.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["FILES", "check", "compile_files", "direct_pins", "wanted"]

ROOT = Path(__file__).resolve().parent.parent

FILES = {
    "requirements.txt": (),
    "requirements-train.txt": ("train",),
    "requirements-dev.txt": ("dev",),
    "requirements-bench.txt": ("bench",),
    "requirements-docs.txt": ("docs",),
}
"""File -> the extras that it holds besides the packages of the app."""

_PROJECT = "radlens"
_FROM_PROJECT = f"{_PROJECT} (pyproject.toml)"  # in uv's words
_CONSTRAINT = re.compile(r", -c requirements[a-z-]*\.txt|-c requirements[a-z-]*\.txt, ")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def wanted(project: Mapping[str, object], extras: Iterable[str]) -> dict[str, Requirement]:
    """Name -> range of every package that pyproject.toml asks for by name.

    Args:
        project: the table [project] of pyproject.toml.
        extras: names of optional dependencies; an extra may name another one as radlens[other].
    """
    optional = project["optional-dependencies"]
    assert isinstance(optional, dict)
    lines = list(project["dependencies"])  # type: ignore[call-overload]
    for extra in extras:
        lines += optional[extra]
    found: dict[str, Requirement] = {}
    for line in lines:
        one = Requirement(line)
        if canonicalize_name(one.name) == _PROJECT:
            found |= wanted(project, one.extras)
        else:
            found[canonicalize_name(one.name)] = one
    return found


def direct_pins(text: str) -> dict[str, str]:
    """Name -> version of the packages that a requirements file has from pyproject.toml itself.

    Other pins are there because a package needs them; the comments that uv writes tell which.
    """
    pins = [_PIN.match(line) for line in text.splitlines() if _FROM_PROJECT in line]
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def check(root: Path = ROOT) -> list[str]:
    """What is at odds between pyproject.toml and the requirements files, a sentence each."""
    with (root / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wrong = []
    versions: dict[str, dict[str, list[str]]] = {}
    for name, extras in FILES.items():
        text = (root / name).read_text(encoding="utf-8")
        pins, ranges = direct_pins(text), wanted(project, extras)
        wrong += [f"{name} lacks {one}." for one in sorted(ranges.keys() - pins.keys())]
        wrong += [
            f"{name} has {one}, which pyproject.toml does not ask for."
            for one in sorted(pins.keys() - ranges.keys())
        ]
        wrong += [
            f"{name} pins {one} {pins[one]}, and pyproject.toml wants {ranges[one]}."
            for one in sorted(ranges.keys() & pins.keys())
            if not ranges[one].specifier.contains(pins[one], prereleases=True)
        ]
        for line in text.splitlines():
            pin = _PIN.match(line)
            if pin:  # the same package may have one version a system
                held = versions.setdefault(canonicalize_name(pin[1]), {})
                held.setdefault(name, []).append(pin[2])
    for package, held in versions.items():
        if len({tuple(sorted(one)) for one in held.values()}) > 1:
            told = ", ".join(f"{' and '.join(one)} in {name}" for name, one in held.items())
            wrong.append(f"{package} is pinned differently: {told}.")
    return wrong


def compile_files(root: Path = ROOT) -> None:
    """Write the requirements files anew; each keeps to the pins of those before it.

    Raises:
        subprocess.CalledProcessError: uv found no versions that fit; it has said why.
    """
    done: list[str] = []
    for name, extras in FILES.items():
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
        command += ["--universal", "--python-version", "3.11", "--output-file", name]
        command += ["--annotation-style", "line"]
        command += ["--custom-compile-command", "make requirements"]
        command += [word for extra in extras for word in ("--extra", extra)]
        command += [word for other in done for word in ("--constraints", other)]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        text = (root / name).read_text(encoding="utf-8")
        (root / name).write_text(_CONSTRAINT.sub("", text), encoding="utf-8")
        done.append(name)


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    if not parser.parse_args().check:
        compile_files()
    wrong = check()
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        print("Bring them together: make requirements", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

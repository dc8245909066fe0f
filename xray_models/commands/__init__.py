"""Commands of `python -m xray_models`, a file each; `cli.py` puts them together."""

from __future__ import annotations

from typing import NoReturn

import typer

__all__ = ["fail"]


def fail(message: str) -> NoReturn:
    """End the command with a sentence on stderr and exit code 2."""
    typer.echo(message, err=True)
    raise typer.Exit(2)

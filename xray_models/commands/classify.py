"""`python classify.py` and `classify`: read films and print what was found."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xray_models.catalogue import CatalogueError
from xray_models.commands import fail
from xray_models.commands.options import AsJson
from xray_models.commands.quiet import quiet

__all__ = ["classify_command"]


def classify_command() -> None:
    """`python classify.py FILE...`."""
    quiet()
    typer.run(_classify)


def _classify(
    files: Annotated[list[Path], typer.Argument(help="Radiographs: PNG, JPEG, DICOM...")],
    as_json: AsJson = False,
    part: Annotated[str | None, typer.Option(help="The body part, if you know better.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Ask this model whatever the part.")
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="Exchange black and white, of negative films.")
    ] = False,
    age: Annotated[
        str | None, typer.Option(help="child or adult, where the file does not say.")
    ] = None,
) -> None:
    """Read radiographs. For teaching and research, not for diagnosis."""
    from xray_models import pipeline
    from xray_models.inference.weights import WeightsError
    from xray_models.radiograph import UnreadableRadiograph

    failed = False
    for file in files:
        try:
            reading = pipeline.read(file, part=part, models=model, invert=invert, age=age)
        except UnreadableRadiograph as error:
            failed = True
            if as_json:
                typer.echo(json.dumps({"file": str(file), "error": str(error)}, ensure_ascii=False))
            else:
                typer.echo(f"{file}: {error}", err=True)
        except (pipeline.CannotClassify, CatalogueError, WeightsError) as error:
            fail(str(error))  # the same for every file: not worth repeating
        else:
            if as_json:
                line = {"file": str(file)} | reading.as_dict()
                typer.echo(json.dumps(line, ensure_ascii=False))
            else:
                typer.echo(_in_words(file, reading))
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _in_words(file: Path, reading: Any) -> str:
    other, other_probability = reading.runner_up
    part = " or ".join(reading.parts) or "not recognized"
    lines = [
        f"{file}: {part} (probability {reading.part_probability:.3f}, "
        f"runner-up {other} {other_probability:.3f})"
    ]
    for one in reading.chosen:
        aside = f" (set aside: {one.misfit})" if one.misfit else ""
        lines.append(f"  {one.model}: {one.why}{aside}")
        for finding in reading.findings:
            if finding.model == one.model:
                sign = "?" if finding.unsure else "+" if finding.positive else "-"
                lines.append(
                    f"    {sign} {finding.label:<24}{finding.probability:.3f}"
                    f"  (threshold {finding.threshold:.3f})"
                    f"{', cannot tell' if finding.unsure else ''}"
                )
    lines += [f"  ! {warning}" for warning in reading.warnings]
    lines.append("  " + ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in reading.seconds.items()))
    return "\n".join(lines)

"""`python -m xray_models measure ...`: how good are the maps of a model, method by method?

Each method's figures are written as soon as they are there, so that a run that was stopped goes on
with the methods that are missing: name them with --method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from xray_models import catalogue
from xray_models.catalogue import Card, CatalogueError, get
from xray_models.commands import fail

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.held_out_films import HeldOutFilm
    from xray_models.evaluate.explanations.results_table import MethodFigure
    from xray_models.explain import MethodSpec

__all__ = [
    "Data",
    "Fast",
    "Limit",
    "Methods",
    "Models",
    "Run",
    "Seed",
    "bfloat16",
    "conformal",
    "faithfulness",
    "localization",
    "sanity",
]

Data = Annotated[Path, typer.Option(help="Folder with the data sets.", envvar="RADLENS_DATA")]
Models = Annotated[list[str] | None, typer.Option("--model", help="Every model by default.")]
Methods = Annotated[
    list[str] | None,
    typer.Option("--method", help="METHOD or METHOD@LAYER; every method that fits by default."),
]
Fast = Annotated[bool, typer.Option(help="Leave out methods of many passes.")]
Limit = Annotated[int | None, typer.Option(help="No more films than this, drawn at random.", min=2)]
Run = Annotated[
    Path | None,
    typer.Option(
        help="Folder of training runs (RUN/MODEL/fold-1...): the films of each fold are explained "
        "by its network, which never saw them. Without it only those that the shipped weights "
        "never saw are."
    ),
]
Seed = Annotated[int, typer.Option(help="Number from which all that is random is drawn.")]


def localization(
    data: Data,
    model: Models = None,
    method: Methods = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(help="fraction:0.5, otsu, area; accuracies by level are kept of the first."),
    ] = None,
    fast: Fast = False,
    limit: Limit = None,
    run: Run = None,
    seed: Seed = 0,
) -> None:
    """Compare heat with boxes that people drew, on films held out from training."""
    from xray_models.evaluate.explanations import localization as localization_study
    from xray_models.evaluate.explanations import results_table
    from xray_models.explain.boxes import parse_rule

    with _sentences():
        rules = tuple(parse_rule(text) for text in rule or ()) or localization_study.RULES
        for card in _cards(model):
            films = [held.film for held in _unseen(card, data, run)]
            every = localization_study.cases(card, data, films)
            found = _drawn(every, limit, seed)
            if len({case.film.group for case in found}) < localization_study.LEAST_FILMS:
                typer.echo(f"{card.id}: no held-out films with boxes, or too few of them.")
                continue
            networks = _networks(card, run)
            with _bar(f"{card.id}, films", len(found)) as progress:
                study = localization_study.prepare(found, rules, seed, progress, every)
            rows = []
            for name, values in study.baselines.items():
                rows += localization_study.figures(study, name, values, lambda _: False)
            indices, values = localization_study.other_reader(study)
            rows += localization_study.figures(
                study, localization_study.OTHER_READER, values, lambda _: False, indices
            )
            results_table.save_if_more(card.id, "localization", rows)
            specs = _specs(card, method, fast)
            quick = [spec for spec in specs if not _slow(card, spec)]
            slow = [[spec] for spec in specs if spec not in quick]
            for batch in filter(None, [quick, *slow]):
                with _bar(f"{card.id}, {', '.join(map(str, batch))}", len(found)) as progress:
                    measured = localization_study.measure(
                        card, study, networks, batch, seed, progress
                    )
                for name, values in measured.items():
                    new = localization_study.figures(study, name, values, networks.seen)
                    results_table.save(card.id, "localization", new)
                    rows += new
            typer.echo(f"\n{card.name}")
            _print(rows, ("pointing game", "hit rate", "energy in box", "AUPRC", "IoU", "IoBB"))
            _print_levels(rows, str(rules[0]))
            typer.echo(f"{results_table.path(card.id, 'localization')}")


def faithfulness(
    data: Data,
    model: Models = None,
    method: Methods = None,
    fast: Fast = False,
    limit: Limit = 60,
    run: Run = None,
    seed: Seed = 0,
) -> None:
    """Take away what is hot and see whether the answer changes, on held-out films."""
    from xray_models.evaluate.explanations import faithfulness as faithfulness_study
    from xray_models.evaluate.explanations import results_table
    from xray_models.evaluate.explanations.results_table import GAP

    with _sentences():
        for card in _cards(model):
            calls = faithfulness_study.calls(card, _unseen(card, data, run), limit or 10**9, seed)
            if len(calls) < 2:
                typer.echo(f"{card.id}: too few held-out films above a threshold.")
                continue
            networks = _networks(card, run)
            with _bar(f"{card.id}, films", len(calls)) as progress:
                study = faithfulness_study.prepare(card, calls, networks, seed, progress)
            rows = []
            for name, values in study.baselines.items():
                rows += faithfulness_study.figures(study, name, values, lambda _: False)
            results_table.save_if_more(card.id, "faithfulness", rows)
            for spec in _specs(card, method, fast):
                with _bar(f"{card.id}, {spec}", len(calls)) as progress:
                    values = faithfulness_study.measure(
                        card,
                        study,
                        networks,
                        spec,
                        noise=not _slow(card, spec),
                        seed=seed,
                        progress=progress,
                    )
                new = faithfulness_study.figures(study, str(spec), values, networks.seen)
                results_table.save(card.id, "faithfulness", new)
                rows += new
            typer.echo(f"\n{card.name}")
            _print(rows, (GAP, "deletion area", "average drop", "MuFidelity", "stability"))
            typer.echo(f"{results_table.path(card.id, 'faithfulness')}")


def sanity(
    data: Data,
    model: Models = None,
    method: Methods = None,
    fast: Fast = True,
    limit: Annotated[int, typer.Option(help="Films to explain.", min=1)] = 8,
    stages: Annotated[int, typer.Option(help="Groups of layers, from the top.", min=1)] = 6,
    seed: Seed = 0,
) -> None:
    """Scramble weights and labels and see whether the maps notice."""
    from xray_models.evaluate.explanations import faithfulness as faithfulness_study
    from xray_models.evaluate.explanations import sanity as sanity_study
    from xray_models.evaluate.explanations import sanity_table

    with _sentences():
        for card in _cards(model):
            held = _unseen(card, data)
            calls = faithfulness_study.calls(card, held, limit, seed)
            if not calls:
                typer.echo(f"{card.id}: no held-out film above a threshold.")
                continue
            learned_from, truth = _with_truth(card, held, seed)
            for spec in _specs(card, method, fast):
                with _bar(f"{card.id}, {spec}", stages) as progress:
                    rows = sanity_study.check_weights(card, calls, spec, stages, seed, progress)
                if learned_from:
                    labels = sanity_study.check_labels(card, calls, learned_from, truth, spec, seed)
                    rows += [labels] if labels else []
                sanity_table.save(card.id, rows)
                for row in rows:
                    message = f"  {row.empty} of {row.films} maps empty" if row.empty else ""
                    typer.echo(f"  {row.check:<9}{row.layer:<28}{row.correlation:7.3f}{message}")
            typer.echo(f"{sanity_table.path(card.id)}")


def conformal(model: Models = None) -> None:
    """Find the probabilities at which a model cannot tell, and note them on the card."""
    from xray_models.evaluate import conformal as conformal_study

    with _sentences():
        for card in _cards(model):
            if found := conformal_study.bands(card):
                conformal_study.save(card, found)
                typer.echo(
                    f"{card.id}: "
                    + ", ".join(
                        f"{label} {band.low:.4f} to {band.high:.4f}"
                        for label, band in found.items()
                    )
                )


def bfloat16(data: Data, model: Models = None) -> None:
    """Compare a model's answers in bfloat16 with those in float32, and note it on the card."""
    from xray_models.evaluate.explanations import bfloat16 as bfloat16_study

    with _sentences():
        for card in _cards(model):
            films = _unseen(card, data)
            if not films:
                typer.echo(f"{card.id}: no held-out films.")
                continue
            with _bar(f"{card.id}, films", len(films)) as progress:
                found = bfloat16_study.measure(card, films, progress)
            bfloat16_study.save(card, found)
            typer.echo(
                f"{card.id}: {found.films} films, mean AUC {found.auc_change:+.5f} in bfloat16, "
                f"largest change of a probability {found.largest_change:.4f}"
            )


def _cards(models: list[str] | None) -> list[Card]:
    cards = [get(model) for model in models] if models else list(catalogue.catalogue().values())
    return [card for card in cards if card.measured]


def _films(card: Card, data: Path) -> list[HeldOutFilm]:
    """The held-out films of a model, by the recipe it was trained with."""
    from xray_models.evaluate.explanations.held_out_films import held_out
    from xray_models.train.recipes.registry import RECIPES, named

    if card.id not in RECIPES:
        return []
    films = named(card.id).films(data)
    return held_out(card, [film for part in films.values() for film in part])


def _unseen(card: Card, data: Path, run: Path | None = None) -> list[HeldOutFilm]:
    """Those held-out films that the explained networks never saw."""
    from xray_models.evaluate.explanations.held_out_films import Networks

    networks = Networks(card, run)
    return [one for one in _films(card, data) if not networks.seen(one.split)]


def _with_truth(
    card: Card, held: list[HeldOutFilm], seed: int, most: int = 120
) -> tuple[list[Any], np.ndarray]:
    """Held-out films with the truth of the model's first finding, both kinds alike."""
    from xray_models.evaluate.explanations.faithfulness import Call
    from xray_models.evaluate.predictions import held_out_table

    finding = next(iter(card.thresholds))
    rows = held_out_table.load(catalogue.table_path(card), card.labels, card.multi_label)
    present = np.nanmax(
        held_out_table.truths(rows, card.labels)[:, np.isin(card.labels, card.members(finding))],
        axis=1,
    )
    known = dict(zip(rows["image"], present, strict=True))
    random = np.random.default_rng(seed)
    chosen: list[HeldOutFilm] = []
    for value in (1.0, 0.0):
        of = [one for one in held if known[one.film.image] == value]
        chosen += [of[i] for i in random.permutation(len(of))[: most // 2]]
    truth = np.array([known[one.film.image] for one in chosen])
    if len(set(truth)) < 2:
        return [], truth
    return [Call(one, finding) for one in chosen], truth


def _networks(card: Card, run: Path | None) -> Any:
    from xray_models.evaluate.explanations.held_out_films import Networks

    networks = Networks(card, run / card.id if run else None)
    return networks


def _specs(card: Card, wanted: list[str] | None, fast: bool) -> list[MethodSpec]:
    """The methods that are asked for, else all that fit the model."""
    from xray_models import explain

    specs = [explain.MethodSpec.parse(text) for text in wanted or ()]
    for spec in specs:
        support = explain.method_support(card, spec)
        if not support.fits:
            raise ValueError(f"{spec} does not fit {card.id}: {support.why}")
    return specs or [
        explain.MethodSpec(support.method.id)
        for support in explain.method_supports(card)
        if support.fits and not (fast and support.slow)
    ]


def _slow(card: Card, spec: MethodSpec) -> bool:
    from xray_models import explain

    return explain.method_support(card, spec).slow


def _drawn(found: list[Any], limit: int | None, seed: int) -> list[Any]:
    if limit is None or len(found) <= limit:
        return found
    order = np.random.default_rng(seed).permutation(len(found))[:limit]
    return [found[i] for i in np.sort(order)]


@contextmanager
def _bar(title: str, length: int) -> Iterator[Callable[[int, int], None]]:
    with typer.progressbar(length=length, label=title) as bar:
        yield lambda done, _total: bar.update(done - bar.pos)


@contextmanager
def _sentences() -> Iterator[None]:
    from xray_models.datasets import DataSetError
    from xray_models.evaluate.predictions.held_out_table import TableError
    from xray_models.inference.weights import WeightsError

    try:
        yield
    except (CatalogueError, DataSetError, TableError, WeightsError, ValueError) as error:
        fail(str(error))


def _print(rows: list[MethodFigure], measures: tuple[str, ...]) -> None:
    """A table for each group of films: methods down, measures across, intervals beside."""
    for data, label in dict.fromkeys((row.data, row.label) for row in rows):
        of = [row for row in rows if (row.data, row.label) == (data, label)]
        rules = list(dict.fromkeys(row.rule for row in of if row.rule))
        columns = [
            (measure, rule)
            for measure in measures
            for rule in (rules if measure in ("IoU", "IoBB") else [""])
        ]
        seen = "; the network was trained on these films" if any(row.seen for row in of) else ""
        typer.echo(f"\n{data}: {label}, {max(row.films for row in of)} films{seen}")
        typer.echo("(95 % intervals by group; + or -: clearly above or below the baseline)")
        titles = [f"{measure} {rule}".strip() for measure, rule in columns]
        typer.echo(f"{'':<36}" + "".join(f"{title:>26}" for title in titles))
        for method in dict.fromkeys(row.method for row in of):
            cells = {(row.measure, row.rule): row for row in of if row.method == method}
            line = "".join(f"{_cell(cells.get(column)):>26}" for column in columns)
            films = {row.films for row in cells.values()}
            few = "" if films == {max(row.films for row in of)} else f"  ({films.pop()} films)"
            typer.echo(f"{method:<36}{line}{few}")


def _cell(row: MethodFigure | None) -> str:
    if row is None or np.isnan(row.value):
        return "-"
    sign = "+" if row.gain_low > 0 else "-" if row.gain_high < 0 else " "
    return f"{row.value:.3f} ({row.low:.3f}-{row.high:.3f}){sign}"


def _print_levels(rows: list[MethodFigure], rule: str) -> None:
    """Wang et al.'s table: accuracy at each level, with false boxes per film."""
    from xray_models.evaluate.metrics.localization import LEVELS

    for data, label in dict.fromkeys((row.data, row.label) for row in rows):
        for name in ("IoU", "IoBB"):
            typer.echo(
                f"\n{data}: {label}, boxes by {rule}: accuracy at T({name}) (95 % interval) / "
                "false boxes a film"
            )
            typer.echo(f"{'':<36}" + "".join(f"{level:>25}" for level in LEVELS))
            of = [row for row in rows if (row.data, row.label, row.rule) == (data, label, rule)]
            for method in dict.fromkeys(row.method for row in of):
                by = {row.measure: row for row in of if row.method == method}
                cells = []
                for level in LEVELS:
                    hit = by[f"T({name}) {level}"]
                    false = by[f"false boxes, T({name}) {level}"].value
                    cells.append(f"{hit.value:.2f} ({hit.low:.2f}-{hit.high:.2f}) / {false:.2f}")
                typer.echo(f"{method:<36}" + "".join(f"{cell:>25}" for cell in cells))

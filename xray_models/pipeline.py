"""The one pipeline: radiograph in; body part, fitting models, findings and heatmaps out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xray_models import PARTS, catalogue, radiograph
from xray_models import explain as explaining
from xray_models.catalogue import CANNOT_TELL, Band, Card
from xray_models.evaluate.predictions import routing
from xray_models.explain import targets
from xray_models.explain.heatmap import Heatmap
from xray_models.explain.methods import MethodSpec
from xray_models.explain.progress import Progress, Stop
from xray_models.inference import converted, predict
from xray_models.inference import lungs as lung_search
from xray_models.inference.lungs import Lungs
from xray_models.radiograph import Radiograph
from xray_models.radiograph.ages import ADULT, CHILD

__all__ = [
    "DETECTOR",
    "CannotClassify",
    "ChosenModel",
    "Finding",
    "Reading",
    "about_part",
    "at_odds",
    "check_age",
    "explain",
    "findings_of",
    "lungs",
    "read",
    "route",
    "warm",
]

DETECTOR = "body-part"

_UNSURE = "This film looks like none of the parts that RadLens reads"


class CannotClassify(ValueError):
    """The request makes no sense (unknown part or model); the message says what is possible."""


@dataclass(frozen=True)
class Finding:
    """A label with its calibrated probability and operating threshold, both in 0..1.

    Attributes:
        band: of probabilities in which the model cannot tell; None where that was not measured.
    """

    model: str
    label: str
    probability: float
    threshold: float
    band: Band | None = None

    @property
    def positive(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold

    @property
    def answer(self) -> str | None:
        """Answer "yes", "no" or "cannot tell"; None where it was not measured."""
        return self.band.answer(self.probability) if self.band else None

    @property
    def unsure(self) -> bool:
        """Whether the answer is "cannot tell"."""
        return self.answer == CANNOT_TELL


@dataclass(frozen=True)
class ChosenModel:
    """A model that read the film.

    Attributes:
        model: its id.
        why: it was asked.
        misfit: sentence on why its answer must not come first, as it was made for patients of
            another age; empty where it fits. See `catalogue.misfit`.
    """

    model: str
    why: str
    misfit: str = ""


@dataclass(frozen=True, eq=False)
class Reading:
    """What RadLens makes of one radiograph.

    Attributes:
        radiograph: the film.
        part: the body part, or None where the detector refuses the film as none of those it knows.
        part_probability: of the most probable part among those supported, in 0..1.
        part_probabilities: label -> probability over the detector's nine classes.
        part_forced: the part was named by the user, not by the detector.
        chosen: the models that read the film.
        findings: per model in the order of its card.
        warnings: sentences for people.
        seconds: stage -> time taken.
        also: a second part that is about as likely; its models read the film as well. Else None.
        age_group: "child", "adult", or None where nobody knows.
        age_named: the age group was named by the user, not by the file.
    """

    radiograph: Radiograph
    part: str | None
    part_probability: float
    part_probabilities: dict[str, float]
    part_forced: bool
    chosen: tuple[ChosenModel, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    also: str | None = None
    age_group: str | None = None
    age_named: bool = False

    @property
    def set_aside(self) -> dict[str, str]:
        """Models whose answers must not come first: id -> why, a sentence."""
        return {one.model: one.misfit for one in self.chosen if one.misfit}

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts whose models read the film: none, one, or two that are about as likely."""
        return tuple(part for part in (self.part, self.also) if part is not None)

    @property
    def runner_up(self) -> tuple[str, float]:
        """The most probable class apart from `part`, or apart from the first if abstaining."""
        ranked = sorted(self.part_probabilities.items(), key=lambda pair: -pair[1])
        first = self.part if self.part is not None else ranked[0][0]
        return next(pair for pair in ranked if pair[0] != first)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; nothing that could name a patient."""
        return {
            "part": self.part,
            "also": self.also,
            "part_probability": round(self.part_probability, 4),
            "part_forced": self.part_forced,
            "age_group": self.age_group,
            "age_named": self.age_named,
            "models": [
                {"model": one.model, "why": one.why, "set_aside": one.misfit or None}
                for one in self.chosen
            ],
            "findings": [
                {
                    "model": finding.model,
                    "label": finding.label,
                    "probability": round(finding.probability, 4),
                    "threshold": finding.threshold,
                    "positive": finding.positive,
                    "answer": finding.answer,
                    "cannot_tell": [finding.band.low, finding.band.high] if finding.band else None,
                }
                for finding in self.findings
            ],
            "warnings": list(self.warnings),
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
        }


def read(
    source: bytes | str | os.PathLike[str] | Radiograph,
    part: str | None = None,
    models: Sequence[str] | None = None,
    invert: bool = False,
    age: str | None = None,
) -> Reading:
    """Read a radiograph: recognize the part, ask the models that fit, collect their findings.

    Args:
        source: content of a file, a path, or a radiograph already read.
        part: a part named by the user; the detector's opinion is still reported.
        models: ids of models to ask whatever the part.
        invert: exchange black and white first, for a film that is stored as a negative.
        age: "child" or "adult", named by the user; overrules what the file says.

    Returns:
        The reading. Where the detector abstains and nothing is forced, it has no findings.

    Raises:
        UnreadableRadiograph: the file is no radiograph that can be read.
        CannotClassify: unknown part, model or age group.
        WeightsError, CatalogueError: a model of the catalogue cannot be used.
    """
    asked = _asked(part, models)
    check_age(age)
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    if isinstance(source, Radiograph):
        film = radiograph.exchanged(source) if invert else source
    else:
        film = radiograph.read(source, invert)
    seconds["read"] = time.perf_counter() - began

    began = time.perf_counter()
    detector = _detector()
    seen = predict.probabilities(detector, film)
    found = (part,) if part else route(detector, seen)
    seconds["body part"] = time.perf_counter() - began

    age_group = age or film.age_group
    chosen = asked or _choose(found, part is not None, age_group)
    warnings = [*film.warnings, *about_part(found, bool(chosen), bool(asked))]

    converted.expect([catalogue.get(one.model) for one in chosen])
    findings: list[Finding] = []
    for one in chosen:
        began = time.perf_counter()
        card = catalogue.get(one.model)
        own, doubts = findings_of(
            card, found, predict.probabilities(card, film), age_group, bool(asked)
        )
        findings += own
        warnings += doubts
        seconds[card.id] = time.perf_counter() - began

    best = found[0] if found else max(PARTS, key=lambda label: seen[label])
    return Reading(
        radiograph=film,
        part=found[0] if found else None,
        also=found[1] if found[1:] else None,
        part_probability=seen[best],
        part_probabilities=seen,
        part_forced=part is not None,
        chosen=tuple(chosen),
        findings=tuple(findings),
        warnings=tuple(warnings),
        seconds=seconds | {"total": sum(seconds.values())},
        age_group=age_group,
        age_named=age is not None,
    )


def check_age(age: str | None) -> None:
    """Check an age group that the user names.

    Args:
        age: "child", "adult", or None for none.

    Raises:
        CannotClassify: it is another.
    """
    if age not in (None, CHILD, ADULT):
        raise CannotClassify(f"There is no age group {age!r}. Age groups: {CHILD}, {ADULT}.")


def about_part(parts: Sequence[str], read: bool, by_name: bool) -> list[str]:
    """Sentences on a film whose part is not known, or that no model reads.

    Args:
        parts: where it was sent; none where the detector refuses it.
        read: whether a model reads the film.
        by_name: whether models were asked for by name.
    """
    if not parts:
        advice = "" if by_name else " Choose the part by hand if it is one of them."
        return [f"{_UNSURE}, so no model was chosen by it.{advice}"]
    return [] if read else [f"No model in the catalogue reads the {' or '.join(parts)} yet."]


def findings_of(
    card: Card,
    parts: Sequence[str],
    probability: Mapping[str, float],
    age_group: str | None = None,
    by_name: bool = False,
) -> tuple[list[Finding], list[str]]:
    """Findings of one model on one film, and sentences on what is doubtful about them.

    Args:
        card: of the model.
        parts: of the film; none where nobody knows.
        probability: label or combined finding -> calibrated probability in 0..1.
        age_group: of the patient; None where nobody knows.
        by_name: whether the model was asked for by name. Another one that was made for other
            patients is set aside, and has nothing to warn of.

    Returns:
        The findings in the order of the card, and the warnings: a model that was not made for the
        part or the age, and kinds that are called while the whole is not.
    """
    found = [
        Finding(card.id, label, probability[label], threshold, card.bands.get(label))
        for label, threshold in card.thresholds.items()
    ]
    doubts = at_odds(card, found)
    if why := catalogue.misfit(card, age_group):
        told = [f"{card.name}: {why[0].lower()}{why[1:]}"] if age_group else []
        doubts = [*told, *doubts] if by_name else []
    if parts and not set(parts) & set(card.parts):
        made_for = " or the ".join(parts)
        doubts.insert(0, f"{card.name} was not made for the {made_for}: its answer means little.")
    return found, doubts


def at_odds(card: Card, findings: Sequence[Finding]) -> list[str]:
    """Sentences on kinds of a finding that are called while the finding itself is not.

    The threshold of each is chosen by itself, so a kind may reach its own where the sum of all
    kinds stays below that of the whole.

    Args:
        card: of the model that made the findings; says which labels are kinds of what.
        findings: of this model.
    """
    called = {finding.label for finding in findings if finding.positive}
    message = []
    for whole, kinds in card.combined.items():
        odd = [kind for kind in kinds if kind in called]
        if whole in card.thresholds and whole not in called and odd:
            own = "its own threshold" if len(odd) == 1 else "their own thresholds"
            message.append(
                f"{' and '.join(odd).capitalize()} reached {own}, {whole} as a whole did not. "
                f"Thresholds are chosen one by one; go by {whole}."
            )
    return message


def route(detector: Card, probability: dict[str, float]) -> tuple[str, ...]:
    """The parts that a detector's probabilities route to: one, two that are close, or none.

    See `xray_models.evaluate.predictions.routing` for the rule.
    """
    row = np.array([[probability[label] for label in detector.labels]])
    sent = routing.route(row, detector.labels, detector.thresholds)
    named = (int(sent.part[0]), int(sent.also[0]))
    return tuple(detector.labels[index] for index in named if index != routing.ABSTAINS)


def explain(
    film: Radiograph,
    model: str,
    label: str,
    negate: bool = False,
    spec: MethodSpec | str | None = None,
    *,
    progress: Progress | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    every_label: bool = False,
) -> Heatmap:
    """The heatmap of a finding; Grad-CAM takes no pass if the film was read by this model already.

    Args:
        film: the radiograph.
        model: id of the model.
        label: one of its labels or combined findings.
        negate: explain what speaks against it.
        spec: method and layers, or their text such as "layercam@block6a_expand_activation"; those
            that the card names by default.
        progress: called with (passes done, passes in all) after each batch.
        stop: asked before each layer and batch; true stops.
        seed: of the methods that draw at random.
        every_label: other labels will be asked about next; see `xray_models.explain.maps`.

    Raises:
        CatalogueError: unknown model.
        CannotClassify: the model has no such label or layer, or the method does not fit it.
        Stopped: the work was stopped on request.
    """
    card = catalogue.get(model)
    try:
        target = targets.combined(card.labels, card.members(label))
        return explaining.heat(
            card,
            film,
            -target if negate else target,
            MethodSpec.of_card(card) if spec is None else spec,
            progress=progress,
            stop=stop,
            seed=seed,
            every_label=every_label,
        )
    except ValueError as error:
        raise CannotClassify(str(error)) from error


def lungs(film: Radiograph, model: str) -> Lungs | None:
    """Lungs of a film that a chest model read: where the right and the left one lie.

    The first call for a film takes a pass of a small network, later ones nothing.

    Args:
        film: the radiograph, frontal.
        model: id of the model that read it.

    Returns:
        None where the model reads other parts than chests, or no plausible pair of lungs is found.

    Raises:
        CatalogueError: unknown model.
        LungsError: the weights of the network that finds lungs cannot be used.
    """
    return lung_search.lungs(film) if catalogue.get(model).parts == ("chest",) else None


def warm(wanted: Callable[[], bool] = lambda: True) -> None:
    """Load every model of the catalogue, so that the first reading is quick.

    Args:
        wanted: asked before each model; once it says no, the rest is left.
    """
    from xray_models.radiograph import dicom, image  # noqa: F401 - the decoders, before a film comes

    for card in catalogue.catalogue().values():
        if not wanted():
            return
        predict.network(card).prepare()


def _asked(part: str | None, models: Sequence[str] | None) -> list[ChosenModel]:
    if part is not None and part not in PARTS:
        raise CannotClassify(f"There is no part {part!r}. Parts: {', '.join(PARTS)}.")
    readers = {
        name: card for name, card in catalogue.catalogue().items() if card.task != "body-part"
    }
    for model in models or ():
        if model not in readers:
            raise CannotClassify(f"No model {model!r} reads films. Models: {', '.join(readers)}.")
    return [ChosenModel(model, "asked for by name") for model in models or ()]


def _detector() -> Card:
    return catalogue.get(DETECTOR)


def _choose(parts: tuple[str, ...], forced: bool, age_group: str | None) -> list[ChosenModel]:
    chosen: dict[str, ChosenModel] = {}
    for part in parts:
        for one in _choose_for(part, " or ".join(parts), forced, age_group):
            chosen.setdefault(one.model, one)
    return list(chosen.values())


def _choose_for(part: str, named: str, forced: bool, age_group: str | None) -> list[ChosenModel]:
    seen = "you named the" if forced else "the detector sees the"
    chosen = []
    own = {card.parts for card in catalogue.catalogue().values() if card.task == "bone"}
    for card in catalogue.for_part(part):
        why = f"{seen} {named}"
        if card.task == "bone" and card.parts != (part,):
            why += (
                ", which this model reads better than the one made for that part"
                if (part,) in own
                else ", which has no model of its own here"
            )
        chosen.append(ChosenModel(card.id, why, catalogue.misfit(card, age_group)))
    return chosen

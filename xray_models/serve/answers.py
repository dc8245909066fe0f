"""Answers of the service: their JSON schema; a film has the fields of `classify.py --json`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from xray_models.catalogue import Card

__all__ = [
    "BoxAnswer",
    "FilmAnswer",
    "FindingAnswer",
    "ModelAnswer",
    "ModelDetail",
    "OverlayAnswer",
    "ReadAnswer",
    "Refusal",
    "RefusedFilm",
    "Status",
    "model_answer",
    "model_detail",
]

Probability = Annotated[float, Field(ge=0, le=1)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FindingAnswer(_Answer):
    """A finding of one model: its calibrated probability beside the operating threshold."""

    model: str
    label: str
    probability: Probability
    threshold: Probability
    positive: bool = Field(description="Whether the probability reaches the threshold.")
    answer: Literal["yes", "no", "cannot tell"] | None = Field(
        description="Clear or not; null where that was not measured."
    )
    cannot_tell: tuple[float, float] | None = Field(
        description="From the first probability to below the second the model cannot tell."
    )


class AskedModel(_Answer):
    """A model that read the film."""

    model: str
    why: str
    set_aside: str | None = Field(
        description="Why its answer must not come first: it was made for other patients."
    )


class BoxAnswer(_Answer):
    """A box around hot pixels, in pixels of the file. It shows heat, not where a disease ends."""

    model: str
    label: str
    x: float
    y: float
    width: float
    height: float
    score: Probability = Field(description="Highest heat inside.")
    mass: Probability = Field(description="Share of all heat of the film that it holds.")


class OverlayAnswer(_Answer):
    """Heat of a finding laid over the film, or why there is none."""

    model: str
    label: str
    method: str
    png: str | None = Field(None, description="PNG in Base64.")
    error: str | None = None


class FilmAnswer(_Answer):
    """What RadLens makes of one film; the fields are those of `classify.py --json`."""

    file: str = Field(description="Name that the client gave the file.")
    part: str | None = Field(description="Body part; null where the detector knows none.")
    also: str | None = Field(description="A second part that is about as likely.")
    part_probability: Probability
    part_forced: bool
    age_group: str | None
    age_named: bool
    models: list[AskedModel]
    findings: list[FindingAnswer]
    warnings: list[str]
    seconds: dict[str, float]
    boxes: list[BoxAnswer] = Field([], description="Only where boxes were asked for.")
    overlays: list[OverlayAnswer] = Field([], description="Only where overlays were asked for.")


class RefusedFilm(_Answer):
    """A film that was not read, and why; the others of the request are not affected."""

    file: str
    error: str


class ReadAnswer(_Answer):
    """Answer for all films of a request, in the order in which they were sent."""

    request: str = Field(description="Id of the request, as in the header X-Request-ID.")
    films: list[FilmAnswer | RefusedFilm]
    notice: str


class ModelAnswer(_Answer):
    """A model in the list."""

    id: str
    name: str
    task: str
    parts: list[str]
    ages: str
    architecture: str
    findings: list[str]


class Interval(_Answer):
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float


class ModelDetail(ModelAnswer):
    """A model with its thresholds, its figures on held-out films, and its limits."""

    labels: list[str]
    combined: dict[str, list[str]]
    thresholds: dict[str, float]
    input_size: tuple[int, int]
    explanation: str = Field(description="Method of its heat where nobody asks for another.")
    intended_use: str
    limits: list[str]
    references: list[str]
    license: str
    held_out_films: int
    figures: dict[str, Interval]


class Status(_Answer):
    """State of the service."""

    status: str
    version: str


class Refusal(_Answer):
    """Refusal of a request as a whole: what is wrong and what to do."""

    error: str
    request: str


def model_answer(card: Card) -> ModelAnswer:
    """A card's line in the list."""
    return ModelAnswer(**_brief(card))


def model_detail(card: Card) -> ModelDetail:
    """A card in full."""
    return ModelDetail(
        **_brief(card),
        labels=list(card.labels),
        combined={name: list(kinds) for name, kinds in card.combined.items()},
        thresholds=card.thresholds,
        input_size=card.input_size,
        explanation="@".join(filter(None, (card.explanation.method, card.explanation.layer))),
        intended_use=card.intended_use,
        limits=list(card.limits),
        references=list(card.references),
        license=card.weights.license,
        held_out_films=card.held_out.films,
        figures={
            name: Interval(value=one.value, low=one.low, high=one.high)
            for name, one in card.held_out.figures.items()
        },
    )


def _brief(card: Card) -> dict[str, Any]:
    return {
        "id": card.id,
        "name": card.name,
        "task": card.task,
        "parts": list(card.parts),
        "ages": card.ages,
        "architecture": card.architecture,
        "findings": list(card.findings),
    }

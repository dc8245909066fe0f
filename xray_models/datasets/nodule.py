"""ChestX-ray14 films with a nodule or mass, and films without any finding.

The collections that the films come from differ in more than nodules: most normal films are from one
collection, two thirds of them anteroposterior, and its few nodule films all show pneumonia as well.
So each nodule film is matched, where possible, with a normal film of the same collection and view;
figures on these pairs tell whether a model sees nodules.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from xray_models.datasets import nih
from xray_models.datasets.films import Film

__all__ = ["chances", "films", "matched", "stratum"]

_FINDINGS = ("Nodule", "Mass")


def films(folder: Path) -> list[Film]:
    """Films with a nodule or mass (truth 1) and without any finding (truth 0), by patient.

    Facts: view, sex, age_band, collection, rsna (class of the radiologists, if they saw the film),
    kind ("nodule", "mass", "nodule and mass" or ""), mix ("matched" for films of the balanced
    pairs, else "rest").

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    found = []
    for film in nih.films(folder):
        labels = film.facts["findings"].split("|")
        kinds = [label.lower() for label in _FINDINGS if label in labels]
        if kinds or labels == [nih.NO_FINDING]:
            facts = {name: film.facts[name] for name in _FACTS} | {"kind": " and ".join(kinds)}
            found.append(replace(film, truth=int(bool(kinds)), facts=facts))
    paired = matched(found)
    return [
        replace(film, facts=film.facts | {"mix": "matched" if film.image in paired else "rest"})
        for film in found
    ]


_FACTS = ("view", "sex", "age_band", "collection", "rsna")


def stratum(film: Film) -> tuple[str, str]:
    """Stratum of a film: collection and view, which must not tell the classes apart."""
    return film.facts["collection"], film.facts["view"]


def matched(films: list[Film]) -> set[str]:
    """Images of pairs of one positive and one negative film of the same collection and view.

    Pairs share age band and sex too where that is possible; a film is in one pair at most.
    """
    free: dict[tuple[str, str], list[Film]] = defaultdict(list)
    for film in films:
        if not film.truth:
            free[stratum(film)].append(film)
    waiting = [film for film in films if film.truth]
    pairs: set[str] = set()
    # closest pairs first, so that a loose pair does not take a film that another fits better
    for alike in (("age_band", "sex"), ("age_band",), ("sex",), ()):
        left = []
        for film in waiting:
            partner = next(
                (
                    other
                    for other in free[stratum(film)]
                    if all(other.facts[name] == film.facts[name] for name in alike)
                ),
                None,
            )
            if partner is None:
                left.append(film)
                continue
            free[stratum(film)].remove(partner)
            pairs |= {film.image, partner.image}
        waiting = left
    return pairs


def chances(films: list[Film]) -> list[float]:
    """Sampling weights: how often to draw each film for training, relative to the others.

    Within each collection and view, both classes are drawn equally often, so that neither gives the
    class away; a collection and view is drawn as often as it has positive films. Where one class is
    missing, nothing is drawn.
    """
    count: dict[tuple[tuple[str, str], int], int] = defaultdict(int)
    for film in films:
        count[stratum(film), film.truth] += 1
    return [
        count[stratum(film), 1] / count[stratum(film), film.truth]
        if count[stratum(film), 1 - film.truth]
        else 0.0
        for film in films
    ]

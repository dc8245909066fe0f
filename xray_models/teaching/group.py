"""Several readers of one set: their agreement, and the table of readers and ways to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xray_models.evaluate.metrics.bootstrap import Estimate
from xray_models.teaching.agreement import counts_of, fleiss_kappa
from xray_models.teaching.mrmc import Mrmc, obuchowski_rockette
from xray_models.teaching.records import Record
from xray_models.teaching.session import YES_FROM

__all__ = ["Group", "grouped"]


@dataclass(frozen=True, eq=False)
class Group:
    """Readers of the same films.

    Attributes:
        readers: how many.
        films: questions on films that all of them answered.
        kappa: Fleiss' kappa of yes and no, without the model.
        table: without the model against with it, on those that all answered twice; None where it
            cannot be made.
        why: sentence on why there is no table; empty where there is one.
    """

    readers: int
    films: int
    kappa: Estimate
    table: Mrmc | None
    why: str


def grouped(readers: Sequence[Sequence[Record]]) -> Group:
    """Group of readers, on the films that all of them read.

    Args:
        readers: the records of each.

    Raises:
        ValueError: fewer than two readers, or no film that all of them read.
    """
    if len(readers) < 2:
        raise ValueError("Agreement needs two readers or more who have read this set.")
    kept = [{(one.film_hash, one.question): one for one in records} for records in readers]
    shared = sorted(set.intersection(*(set(one) for one in kept)))
    if not shared:
        raise ValueError("These readers have no film in common.")
    rows = [[one[key] for key in shared] for one in kept]
    answers = np.array([[one.unaided >= YES_FROM for one in row] for row in rows]).astype(int)
    table, why = None, ""
    twice = [key for key in shared if all(one[key].aided is not None for one in kept)]
    if not twice:
        why = "No film was read by all of them with the model as well."
    else:
        truth = np.array([kept[0][key].truth for key in twice])
        alone = [[one[key].unaided for key in twice] for one in kept]
        aided = [[one[key].final for key in twice] for one in kept]
        try:
            table = obuchowski_rockette(truth, np.array([alone, aided]))
        except ValueError as error:
            why = str(error)
    return Group(len(readers), len(shared), fleiss_kappa(counts_of(answers, 2)), table, why)

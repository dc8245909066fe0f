"""Labeler of reports after CheXpert's rules (Irvin et al. 2019, arXiv:1901.07031).

A finding is mentioned, and each mention is stated, negated or doubted: NegEx (Chapman et al. 2001,
doi 10.1006/jbin.2001.1029) decides both, as negspacy implements it on spaCy, with phrase lists of
our own. No language model is downloaded: sentences end at punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

from xray_models.reports.phrases import Phrases

__all__ = ["Labeler", "Opinion"]

_SPANS = "findings"
# "1. Cardiomegaly" and "2 cm": a number with a period ends no sentence, and a list item begins one
_ITEM = re.compile(r"(?:(?<=^)|(?<=[.\s]))\d{1,2}[.)]\s+(?=[A-Z])")


class Opinion(IntEnum):
    """What a report says of a finding that it mentions, with CheXpert's numbers."""

    UNCERTAIN = -1
    NEGATIVE = 0
    POSITIVE = 1


class Labeler:
    """Labeler of reports, by phrase lists.

    Args:
        phrases: those that come with RadLens by default.

    Raises:
        ModuleNotFoundError: negspacy or spaCy is not installed (the extra "reports").
    """

    def __init__(self, phrases: Phrases | None = None) -> None:
        import spacy
        from negspacy import negation  # noqa: F401 - registers the component "negex"
        from spacy.matcher import Matcher

        phrases = phrases or Phrases.read()
        self._language = spacy.blank("en")
        self._language.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "\n"]})
        self._matcher = Matcher(self._language.vocab)
        for finding, patterns in phrases.patterns().items():
            self._matcher.add(finding, patterns)
        # NegEx marks what its lists reach: once for denial, once for doubt
        self._marks = [
            self._language.create_pipe(
                "negex",
                name=name,
                config={
                    "neg_termset": {
                        "pseudo_negations": lists["pseudo"],
                        "preceding_negations": lists["preceding"],
                        "following_negations": lists["following"],
                        "termination": lists["termination"],
                    },
                    "extension_name": name,
                    "span_keys": [_SPANS],
                },
            )
            for name, lists in (("denied", phrases.negation), ("doubted", phrases.uncertainty))
        ]

    def label(self, text: str) -> dict[str, Opinion]:
        """Findings that a report mentions, with what it says of each.

        Where mentions disagree, one that states the finding counts before one that doubts it, and
        that before one that denies it.

        Args:
            text: of the report, or of its findings and impression.
        """
        return next(self.label_many([text]))

    def label_many(self, texts: Iterable[str]) -> Iterator[dict[str, Opinion]]:
        """Findings of many reports, in their order; the texts are read one by one."""
        for document in self._language.pipe(_ITEM.sub("\n", text) for text in texts):
            yield self._opinions(document)

    def _opinions(self, document: Any) -> dict[str, Opinion]:
        document.spans[_SPANS] = self._mentions(document)
        for mark in self._marks:
            mark(document)
        found: dict[str, Opinion] = {}
        for span in document.spans[_SPANS]:
            opinion = _opinion(span)
            before = found.get(span.label_)
            if before is None or _weight(opinion) > _weight(before):
                found[span.label_] = opinion
        return found

    def _mentions(self, document: Any) -> list[Any]:
        spans = self._matcher(document, as_spans=True)
        # a gap must not bridge two sentences
        return [span for span in spans if span.sent.end >= span.end]


def _opinion(span: Any) -> Opinion:
    if span._.denied and not span._.doubted:
        return Opinion.NEGATIVE
    return Opinion.UNCERTAIN if span._.doubted else Opinion.POSITIVE


def _weight(opinion: Opinion) -> int:
    return {Opinion.NEGATIVE: 0, Opinion.UNCERTAIN: 1, Opinion.POSITIVE: 2}[opinion]

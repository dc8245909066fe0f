"""Phrase lists of the report labeler, as data files: mentions, negation, uncertainty.

A mention is words in a row. "a|b" stands for either word, "*" for up to four words of the same
sentence, none of them a negation: "heart|cardiac * enlarged" finds "heart is mildly enlarged".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PhraseError", "Phrases"]

_FOLDER = Path(__file__).with_name("phrase_lists")
_KINDS = ("pseudo", "preceding", "following", "termination")
_GAP = {"IS_PUNCT": False, "LOWER": {"NOT_IN": ["not", "no", "without", "nor"]}, "OP": "{0,4}"}


class PhraseError(ValueError):
    """Error of a malformed phrase list; the message names the file."""


@dataclass(frozen=True)
class Phrases:
    """Phrase lists of a labeler.

    Attributes:
        mentions: finding -> phrases that name it.
        negation: "pseudo" (looks like a negation and is none), "preceding" and "following" (stand
            before or after what they negate), "termination" (end the reach of both).
        uncertainty: the same for doubt.
    """

    mentions: dict[str, list[str]]
    negation: dict[str, list[str]]
    uncertainty: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path | None = None) -> Phrases:
        """Phrases from a folder with mentions.json, negation.json and uncertainty.json.

        Args:
            folder: those that come with RadLens by default.

        Raises:
            PhraseError: a file is missing or malformed.
        """
        parts = {}
        for name in ("mentions", "negation", "uncertainty"):
            path = (folder or _FOLDER) / f"{name}.json"
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise PhraseError(f"{path}: cannot be read as JSON ({error}).") from error
            lists = found.values() if isinstance(found, dict) else [None]
            if not all(
                isinstance(one, list) and one and all(isinstance(x, str) and x.strip() for x in one)
                for one in lists
            ):
                raise PhraseError(
                    f"{path}: must map names to lists of phrases, none of them empty."
                )
            if name != "mentions" and set(found) != set(_KINDS):
                raise PhraseError(f"{path}: must have the lists {', '.join(_KINDS)}, and no other.")
            parts[name] = found
        return cls(**parts)

    def patterns(self) -> dict[str, list[list[dict[str, Any]]]]:
        """Patterns of spaCy's Matcher: finding -> a list of tokens for each phrase."""
        return {
            finding: [[_token(word) for word in phrase.split()] for phrase in phrases]
            for finding, phrases in self.mentions.items()
        }


def _token(word: str) -> dict[str, Any]:
    return _GAP if word == "*" else {"LOWER": {"IN": word.casefold().split("|")}}

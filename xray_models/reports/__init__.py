"""Findings in the text of radiology reports: mention, negation, uncertainty, and agreement."""

from xray_models.reports.labeler import Labeler, Opinion
from xray_models.reports.phrases import PhraseError, Phrases

__all__ = ["Labeler", "Opinion", "PhraseError", "Phrases"]

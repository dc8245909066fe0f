"""Text from outside in figures, as Plotly's own rules for markup leave it."""

import html
import re

import numpy as np
import pytest

from xray_models.evaluate.metrics.confusion import Matrix
from xray_models.viz import confusion
from xray_models.viz.plotly_text import escaped

# of plotly.js: tags, what a hover template fills in, formulas, and the entities that it knows
MARKUP = re.compile(r"<[^<>]*>|%\{[^{}]*\}|\$[^$]*\$")
ENTITY = re.compile(r"&(#\d+|#x[\da-fA-F]+|mu|amp|lt|gt|nbsp|times|plusmn|deg);")

HOSTILE = ('<b>x</b><a href="http://e">log in</a>', "%{x}", "$x^2$", "&lt;b&gt;", "&#60;b&#62;")


@pytest.mark.parametrize("text", [*HOSTILE, "a & b", '"it\'s"', "Müller"])
def test_text_is_shown_letter_by_letter(text):
    safe = escaped(text)
    assert not MARKUP.search(safe)
    assert ENTITY.sub(lambda found: html.unescape(found[0]), safe) == text


@pytest.mark.parametrize("text", ["chest_14", "fracture", "50 %"])
def test_plain_words_stay_as_they_are(text):
    assert escaped(text) == text


def test_classes_of_a_matrix_are_names_and_no_links():
    figure = confusion.many_class(Matrix(HOSTILE[:2], np.eye(2, dtype=int)), "films").figure
    (trace,) = figure.data
    texts = [*figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext]
    texts += [cell.replace("<br>", "") for row in trace.customdata for cell in row]
    assert len(texts) == 8 and not any(MARKUP.search(text) for text in texts)

"""Text from outside, shown as it is: Streamlit takes what it shows for Markdown.

The name of a file, a cell of a table or a word in a link could else become a link, a picture, a
formula, a color or an emoji on our page.
"""

from __future__ import annotations

import re

__all__ = ["plain"]

_NOTHING = "\u2060"  # word joiner: has no width, and is no place to break a line
_MARKS = re.compile(r"([\\`*\[\]<>$~|&!{}])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])")
_BLOCKS = re.compile(r"^(#|>|\+|-|=|\d+[.)])")
# addresses and emoji are looked for once more in what Markdown has left as text
_ADDRESSES = re.compile(r"(?<=[A-Za-z0-9]):(?=//)|(?i:(?<=www))(?=\.)|@(?=\w)")
_SHORTCODES = re.compile(r":(?=[A-Za-z0-9_+/-]+[:\[{(])|:(?=:)")


def plain(text: object) -> str:
    """Text that Streamlit shows letter by letter, on one line.

    Args:
        text: whatever comes from a file, a table, a link or a visitor; an exception gives its
            message.
    """
    line = " ".join(str(text).split())
    line = _SHORTCODES.sub(f":{_NOTHING}", line)
    line = _ADDRESSES.sub(lambda found: f"{found[0]}{_NOTHING}", line)
    line = _MARKS.sub(lambda found: f"\\{found[0]}", line)
    return _BLOCKS.sub(lambda found: f"{_NOTHING}{found[0]}", line)

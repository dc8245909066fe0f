"""HTML as elements with their words, so that tests ask what a reader sees and not how it is set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class Element:
    """A tag, its attributes, and what is in it, in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its words, and those of what is in it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def every(self, *tags: str, **attributes: str) -> list[Element]:
        """What is in it, at any depth.

        Args:
            *tags: of these kinds.
            **attributes: that begin so; an underscore stands for a hyphen. `class_` is one of its
                classes.
        """
        kind = attributes.pop("class_", None)
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self._elements()
            if (not tags or one.tag in tags)
            and (kind is None or kind in one.attributes.get("class", "").split())
            and all(one.attributes.get(name, "").startswith(v) for name, v in wanted.items())
        ]

    def rows(self) -> list[list[str]]:
        """The cells of a table as words, row by row."""
        return [[cell.text for cell in row.every("th", "td")] for row in self.every("tr")]

    def _elements(self) -> Iterator[Element]:
        for one in self.inside:
            if isinstance(one, Element):
                yield one
                yield from one._elements()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attributes})
        self.open[-1].inside.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, {name: v or "" for name, v in attributes}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parsed(html: str) -> Element:
    """The elements of a piece of HTML, which must close what it opens."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is not closed"
    return builder.open[0]

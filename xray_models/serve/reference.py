"""Reference of the addresses: the OpenAPI schema as rows of tables, for a page without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Address", "Field", "Kind", "Type", "addresses", "types"]


@dataclass(frozen=True)
class Kind:
    """Kind of a value: words, and the name of the type that they lead to, if any."""

    words: str
    type: str = ""


@dataclass(frozen=True)
class Field:
    """A field of a form or of an answer."""

    name: str
    required: bool
    kinds: tuple[Kind, ...]
    about: str


@dataclass(frozen=True)
class Address:
    """An address with its form and its answers: (status, kinds, when)."""

    method: str
    path: str
    about: str
    form: tuple[Field, ...]
    answers: tuple[tuple[str, tuple[Kind, ...], str], ...]


@dataclass(frozen=True)
class Type:
    """A type that answers are made of."""

    name: str
    about: str
    fields: tuple[Field, ...]


def addresses(api: Mapping[str, Any]) -> list[Address]:
    """Every address of an OpenAPI schema."""
    found = []
    for path, methods in api["paths"].items():
        for method, one in methods.items():
            body = one.get("requestBody", {}).get("content", {})
            form = body.get("multipart/form-data", {}).get("schema", {})
            answers = tuple(
                (status, _of_contents(answer.get("content", {})), answer["description"])
                for status, answer in one["responses"].items()
            )
            about = one.get("description") or one.get("summary", "")
            found.append(Address(method.upper(), path, about, _fields(form), answers))
    return found


def types(api: Mapping[str, Any]) -> list[Type]:
    """Types of an OpenAPI schema, in alphabetical order."""
    schemas = api["components"]["schemas"]
    return [
        Type(name, schema.get("description", ""), _fields(schema))
        for name, schema in sorted(schemas.items())
        if "properties" in schema
    ]


def _fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    required: Sequence[str] = schema.get("required", ())
    return tuple(
        Field(name, name in required, _kinds(one), one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    )


def _of_contents(contents: Mapping[str, Any]) -> tuple[Kind, ...]:
    return tuple(kind for one in contents.values() for kind in _kinds(one.get("schema", {})))


def _kinds(schema: Mapping[str, Any]) -> tuple[Kind, ...]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return (Kind(name, name),)
    if "anyOf" in schema:
        return tuple(kind for one in schema["anyOf"] for kind in _kinds(one))
    if "enum" in schema:
        return (Kind(", ".join(map(str, schema["enum"]))),)
    if "items" in schema:
        return tuple(Kind(f"list of {one.words}", one.type) for one in _kinds(schema["items"]))
    return (Kind(schema.get("format") or schema.get("type") or "any"),)

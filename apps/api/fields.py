"""The fields of a request's body in words, for the reference page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

NULL = {"type": "null"}
Schema = dict[str, Any]


@dataclass(frozen=True)
class BodyField:
    """``name`` as it stands in the JSON (``input[].url`` inside a list of objects), what it holds, what it means."""

    name: str
    kind: str
    meaning: str
    needed: bool


def fields_of(body: type[BaseModel]) -> list[BodyField]:
    """Every field of a body, those of the objects in it right after the field that first holds them."""
    schema = body.model_json_schema()
    return list(_Reader(schema.get("$defs", {})).fields(schema))


class _Reader:
    """Reads a JSON schema; ``models`` are those it refers to by name, of which each is told once."""

    def __init__(self, models: dict[str, Schema]) -> None:
        self.models = models
        self.told: set[str] = set()

    def fields(self, schema: Schema, inside: str = "") -> Iterator[BodyField]:
        kinds = [kind for kind in self.choices(schema) if "properties" in kind and kind["title"] not in self.told]
        self.told |= {kind["title"] for kind in kinds}
        for name in dict.fromkeys(name for kind in kinds for name in kind["properties"]):
            holders = [kind for kind in kinds if name in kind["properties"]]
            parts = [kind["properties"][name] for kind in holders]
            needed = len(holders) == len(kinds) and all(name in kind.get("required", ()) for kind in holders)
            yield BodyField(inside + name, self.either(parts), _meaning(parts[0]), needed)
            for choice in self.choices(parts[0]):
                if choice.get("type") == "array":
                    yield from self.fields(choice["items"], f"{inside}{name}[].")
                else:
                    yield from self.fields(choice, f"{inside}{name}.")

    def choices(self, schema: Schema) -> list[Schema]:
        """What a schema may be, ``null`` left aside; one that is no choice is the only one."""
        if "$ref" in schema:
            return self.choices(self.models[schema["$ref"].rsplit("/", 1)[1]])
        several = schema.get("anyOf") or schema.get("oneOf")
        if not several:
            return [schema]
        return [found for part in several if part != NULL for found in self.choices(part)]

    def either(self, parts: list[Schema]) -> str:
        return " or ".join(dict.fromkeys(self.kind(choice) for part in parts for choice in self.choices(part)))

    def kind(self, schema: Schema) -> str:
        if "const" in schema:
            return str(schema["const"])
        if "enum" in schema:
            return " or ".join(str(value) for value in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self.either([schema['items']])}" if schema.get("items") else "list"
        return str(schema.get("format") or schema["type"])


def _meaning(part: Schema) -> str:
    """Its description, its limits and its default."""
    inner = next((choice for choice in part.get("anyOf", ()) if choice != NULL), part)
    words = [part["description"]] if "description" in part else []
    if "minLength" in inner:
        words.append("not empty")
    if "maxLength" in inner:
        words.append(f"up to {inner['maxLength']} characters")
    if "maximum" in inner:
        words.append(f"{inner.get('minimum', inner.get('exclusiveMinimum'))} to {inner['maximum']}")
    if part.get("default") not in (None, "") and not isinstance(part["default"], dict):
        words.append(f"default {json.dumps(part['default'])}")
    return "; ".join(words)

"""The fields of a pydantic model as a table: name, default, meaning."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from docs.generate.tables import plain, table


def field_table(*models: tuple[str, type[BaseModel]]) -> str:
    """One table of all models; each comes with what stands before its fields' names (`dual.`)."""
    rows = [row for prefix, model in models for row in _rows(prefix, model)]
    return table(("field", "default", "meaning"), rows)


def _rows(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        yield f"`{prefix}{name}`", default, plain(field.description or "")


def _shown(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_defaults=True)
    if value in (None, "", (), {}, []):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value}`"

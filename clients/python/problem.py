"""Messages of the service's errors, which come in several shapes."""

import json
from collections.abc import Iterator
from typing import Any


def messages(body: bytes) -> str:
    """Return all messages of a refusal. Gateways send pages or nothing instead of JSON."""
    try:
        return "; ".join(_messages(json.loads(body), ""))
    except ValueError:
        return ""


def _messages(error: Any, field: str) -> Iterator[str]:
    match error:
        case str():
            yield f"{field}: {error}" if field else error
        case list():
            for inner in error:
                yield from _messages(inner, field)
        case dict():
            for name, inner in error.items():
                if name not in ("detail", "non_field_errors"):
                    yield from _messages(inner, f"{field}.{name}".lstrip("."))
                else:
                    yield from _messages(inner, field)

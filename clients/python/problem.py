"""What did the service say was wrong? Its errors come in several shapes."""

import json
from collections.abc import Iterator
from typing import Any


def messages(body: bytes) -> str:
    """All that the body of a refusal says. Gateways send pages or nothing instead of JSON."""
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
                shown = field if name in ("detail", "non_field_errors") else f"{field}.{name}".lstrip(".")
                yield from _messages(inner, shown)

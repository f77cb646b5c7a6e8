"""Replaces template ids in requests with an existing one, since no schema lists the templates."""

import uuid
from typing import Any

import schemathesis

TEMPLATE = "3f1c9a52-7d0e-4b51-9c8a-0e6f5b7a2d10"


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    if isinstance(case.body, dict) and is_uuid(case.body.get("template_id")):
        case.body["template_id"] = TEMPLATE


def is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False

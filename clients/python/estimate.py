"""Exact cost estimates from credit-rates.json, without a request."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

NANOSECOND = Fraction(1, 1_000_000_000)


@dataclass(frozen=True)
class CreditRange:
    """The least and the most it may cost."""

    least: Fraction
    most: Fraction


def estimate(
    card: dict[str, Any],
    operation: str,
    model_version: str,
    seconds: tuple[Fraction, Fraction],
    count: int = 1,
) -> CreditRange | None:
    """Estimate `count` submissions by a card of credit-rates.json; None when it has no price."""

    def find(wanted: str) -> dict[str, Any] | None:
        rates = [rate for rate in card["rates"] if rate["operation"] == wanted]
        own = [rate for rate in rates if rate.get("model_version") == model_version]
        return next(iter(own + [rate for rate in rates if "model_version" not in rate]), None)

    shortest, longest = seconds
    rate = find(operation)
    if rate is None:
        return None
    if "between" not in rate:
        return CreditRange(_per_block(rate, shortest) * count, _per_block(rate, longest) * count)

    create, preview = find("create"), find("preview")
    if create is None or preview is None:
        return None
    # A price changes only where a block starts. With a difference of prices, the cheapest duration
    # need not be the shortest.
    durations = [shortest, longest]
    for block in (create["block_seconds"], preview["block_seconds"]):
        for end in range(ceil(shortest / block) * block, ceil(longest), block):
            durations += [Fraction(end), end + NANOSECOND]

    def costs(bound: str) -> list[Fraction]:
        less = {"create": 0, "create_less_preview": 1}[bound]
        prices = (_per_block(create, at) - less * _per_block(preview, at) for at in durations)
        return [max(price, Fraction(0)) for price in prices]

    lower, upper = rate["between"]
    return CreditRange(min(costs(lower)) * count, max(costs(upper)) * count)


def _per_block(rate: dict[str, Any], seconds: Fraction) -> Fraction:
    """Return the price of a duration. A started block is charged whole, and at least one."""
    started = max(ceil(seconds / Fraction(rate["block_seconds"])), 1)
    return Fraction(rate["credits"]) * started

"""Compare the estimates with those of the Rust crate.

python check_estimates.py CREDIT_RATES ESTIMATES
"""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from estimate import CreditRange, estimate


def here(cards: dict[str, Any], vector: dict[str, Any]) -> CreditRange | None:
    seconds = Fraction(vector["seconds"]["min"]), Fraction(vector["seconds"]["max"])
    card = cards["cards"][vector["rate_card"]]
    return estimate(card, vector["operation"], vector["model_version"], seconds, vector["count"])


def in_rust(vector: dict[str, Any]) -> CreditRange | None:
    credits = vector["credits"]
    return credits and CreditRange(Fraction(credits["min"]), Fraction(credits["max"]))


rates, vectors = (json.loads(Path(file).read_text()) for file in sys.argv[1:])
wrong = [vector for vector in vectors if here(rates, vector) != in_rust(vector)]
for vector in wrong:
    print(vector, "but here", here(rates, vector), file=sys.stderr)
print(f"{len(vectors) - len(wrong)} of {len(vectors)} estimates are equal")
sys.exit(1 if wrong or not vectors else 0)

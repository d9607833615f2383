"""Which group a person belongs to. Training and answering must agree on it, so it stands once."""

from collections.abc import Mapping

BANDS = (5.0, 10.0, 15.0, 25.0)  # chronic diseases


def group_of(row: Mapping[str, object]) -> str:
    """The group of a row: band of chronic diseases, and whether the visits are paid for."""
    band = sum(float(str(row["disea"])) >= edge for edge in BANDS)
    is_free = float(str(row["lncoins"])) == 0
    return f"{band}/{'free' if is_free else 'shared'}"

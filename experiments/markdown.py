"""Tables and numbers of reports, in Markdown."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its head; every row as long as the head."""
    return "".join(f"| {' | '.join(line)} |\n" for line in [head, ["---"] * len(head), *rows])


def two_digits(value: float) -> str:
    """A number below a million to two significant digits, without an exponent: 136.2 is 140."""
    return f"{float(f'{value:.2g}'):g}"

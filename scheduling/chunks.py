"""Chunks: consecutive pieces that fit a budget together."""

from collections.abc import Sequence


def chunks(lengths: Sequence[int], budget: int, *, least: int = 1) -> list[slice]:
    """Cut pieces of the given lengths, in tokens, into chunks of about the same length, none above `budget`.

    As few chunks as that allows, or one more. A piece that is longer than the budget is a chunk by itself, and
    a chunk has at least so many pieces (but for the last), also where they are longer.
    """
    total = sum(lengths)
    share = total / max(1, -(-total // budget))  # what each of them would have if pieces could be cut
    cut: list[slice] = []
    start = held = 0
    for n, length in enumerate(lengths):
        full = held + length > budget or held >= share
        if n - start >= least and full:
            cut.append(slice(start, n))
            start, held = n, 0
        held += length
    if start < len(lengths):
        cut.append(slice(start, len(lengths)))
    return cut

"""What makes a figure worthless, said in words."""

from __future__ import annotations

from collections.abc import Mapping

from core.util.formatting import plural

FEW = 25  # judged queries
UNJUDGED = 0.6  # of the first ten hits must be judged


def worth(queries: int, judged: Mapping[str, float], most: float = 1.0) -> list[str]:
    """Return warnings for so many judged ``queries`` and each system's mean Judged@10, 0 to 1; none where there is nothing to warn of.

    ``most`` is the highest Judged@10 that a system could have: where few documents are judged for a query, even the best has little.

    With under 25 queries one lucky query moves a mean by more than systems differ (Voorhees and Buckley, The effect of topic set
    size on retrieval experiment error, 2002). Hits that nobody judged count as wrong: where four of ten are such,
    a system is paid for finding what the judges looked at, not for finding what is right.
    """
    warnings = []
    if queries < FEW:
        warnings.append(
            f"Only {plural(queries, 'query is', 'queries are')} judged: with fewer than {FEW}, "
            "one more query can turn the order of the systems round. Judge more before you believe a figure."
        )
    unjudged = {name: share for name, share in judged.items() if share < UNJUDGED}
    if unjudged:
        worst = ", ".join(f"{name} {share:.0%}" for name, share in sorted(unjudged.items(), key=lambda item: item[1]))
        warnings.append(
            f"Many of the first ten hits were judged by nobody and count as not relevant; judged are: {worst}"
            + (f" (no system could have more than {most:.0%}, so little is judged for a query). " if most < UNJUDGED else ". ")
            + "Figures of these systems are too low by an unknown amount: judge their hits."
        )
    return warnings

"""The sweep over pool depths and the cost of systems, by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from core.errors import DataError
from core.evaluation.cost import as_csv, as_latex, as_markdown, cost_points, latex, table
from core.evaluation.index_recall import WidthRecall
from core.evaluation.metrics import per_query
from core.evaluation.plots import changes_figure, cost_figure, sweep_figure, widths_figure
from core.evaluation.pool_sweep import default_depths, knee, sweep_pool
from core.evaluation.results import Results
from core.evaluation.runner import SystemRun
from core.evaluation.significance import Interval
from core.evaluation.systems import Candidates, StageRanking, parse_system
from core.judgments.relevance import JudgedQueries
from core.retrieval.comparison import agreement, kendall_tau


def answer(
    query: str = "q", logits: tuple[float, ...] = (1.0, 3.0, 2.0, 4.0), names: str = "abcdef", read: float = 80.0
) -> Candidates:
    """Six candidates in the order of their names, retrieved in 5 ms; the first four are scored, at 20 ms each."""
    order = tuple(range(len(names)))
    stage = StageRanking(order, tuple(1 - row / 10 for row in order), 5.0)
    return Candidates(
        query, "", tuple(names), tuple((name,) for name in names), {"bi": stage}, dict(enumerate(logits)), read
    )


QRELS = {"q": {"d": 1, "f": 1}}


def test_every_depth_by_hand() -> None:
    found = sweep_pool("bi", [answer()], QRELS)
    assert [one.depth for one in found.depths] == [1, 2, 3, 4]
    # orders: abcdef; b a cdef; b c a def; d b c a ef
    ideal = 1 + 1 / log2(3)
    at4, at7 = 1 / log2(5), 1 / log2(7)
    assert [one.ndcg for one in found.depths] == pytest.approx([(at4 + at7) / ideal] * 3 + [(1 + at7) / ideal])
    assert [one.pool_recall for one in found.depths] == [0, 0, 0, 0.5]
    assert [one.overlap for one in found.depths] == [6, 6, 6, 6]  # six candidates in all
    # pairs in opposite order: none; ba; ba ca; ba ca, da db dc
    assert [one.tau for one in found.depths] == pytest.approx([1, -1, 1 - 4 * 2 / 6, 1 - 4 * 5 / 12])
    assert [one.ms for one in found.depths] == [25, 45, 65, 85]
    assert found.unreranked_ndcg == pytest.approx((at4 + at7) / ideal)
    assert (found.ms_per_pair, found.queries, found.deepest.depth) == (20, 1, 4)


def test_a_depth_is_what_reranking_with_that_pool_gives() -> None:
    """Against the rankings of the systems themselves, on random scores."""
    random = np.random.default_rng(3)
    names = [f"d{at:02}" for at in range(40)]
    answers, qrels = [], {}
    for number in range(6):
        # rounded: there are ties
        query, logits = f"q{number}", dict(enumerate(np.round(random.normal(size=30), 1).tolist()))
        stage = StageRanking(tuple(random.permutation(30).tolist()), tuple(range(30, 0, -1)), 1.0)
        answers.append(
            Candidates(query, "", tuple(names[:30]), tuple((name,) for name in names[:30]), {"bi": stage}, logits, 30.0)
        )
        qrels[query] = dict.fromkeys(random.choice(names, 5, replace=False).tolist(), 1)
    found = sweep_pool("bi", answers, qrels)
    for one in found.depths:
        orders = [each.rerank(each.stage("bi"), one.depth) for each in answers]
        runs = {each.query: each.unit_ranking(order) for each, order in zip(answers, orders, strict=True)}
        before = {each.query: each.unit_ranking(each.stage("bi").order) for each in answers}
        assert one.ndcg == pytest.approx(np.mean(list(per_query(qrels, runs, ["nDCG@10"])["nDCG@10"].values())))
        assert one.pool_recall == pytest.approx(
            np.mean(list(per_query(qrels, before, [f"R@{one.depth}"])[f"R@{one.depth}"].values()))
        )
        heads = [
            ([names[at] for at in each.stage("bi").order[: one.depth]], [names[at] for at in order[: one.depth]])
            for each, order in zip(answers, orders, strict=True)
        ]
        assert one.tau == pytest.approx(np.mean([kendall_tau(first, second) for first, second in heads]))
        assert one.overlap == np.mean([agreement(before[each.query], runs[each.query]).overlap for each in answers])


def test_only_as_deep_as_every_query_was_read() -> None:
    short = answer("r", (1.0, 2.0), "ab", 20.0)  # had no more candidates
    assert sweep_pool("bi", [answer(), short], {**QRELS, "r": {"b": 1}}).deepest.depth == 4
    shallow = answer("r", (1.0, 2.0), "abcdef", 20.0)  # was read less deep
    assert sweep_pool("bi", [answer(), shallow], {**QRELS, "r": {"b": 1}}).deepest.depth == 2
    with pytest.raises(DataError, match=r"run a system bi\+cross first"):
        sweep_pool("bi", [answer(logits=())], QRELS)


def test_a_pool_that_is_no_deeper_than_the_hits_is_called_pointless() -> None:
    found = sweep_pool("bi", [answer()], QRELS)
    assert "pointless" in found.summary(10, hits=10)
    assert "R@10 or P@10" in found.summary(3, hits=10)
    assert "pointless" not in found.summary(4, hits=3)
    assert "better than no reranking" in found.summary(4, hits=3)
    assert "next to nothing" in found.summary(3, hits=2)


def test_chosen_depths() -> None:
    assert default_depths(3) == [1, 2, 3]
    deep = default_depths(1000)
    assert (deep[:100], deep[100], deep[-1]) == (list(range(1, 101)), 105, 1000)
    assert deep == sorted(set(deep))
    found = sweep_pool("bi", [answer()], QRELS, [2, 50])
    assert [one.depth for one in found.depths] == [2, 4]
    assert [found.at(depth).depth for depth in (1, 2, 3, 4, 99)] == [2, 2, 2, 4, 4]


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [
        ([0, 1, 2, 3, 4], [0, 0.8, 0.9, 0.95, 1], 1),  # .8 - .25 above the chord, then .9 - .5
        ([0, 1, 2, 3, 4], [0, 0.3, 0.9, 0.95, 1], 2),
        ([0, 1, 2, 3, 4], [0, 0.8, 1, 0.7, 0.6], 1),  # what falls again is not looked at
        ([0, 1, 2], [0, 0.5, 1], None),  # straight
        ([0, 1, 2, 3], [0.5, 0.4, 0.3, 0.2], None),
        ([0, 1, 2, 3], [0.5, 0.501, 0.502, 0.502], None),  # hardly rises
        ([0, 1, 2, 3], [0, 0.1, 0.2, 1], None),  # bent the other way
        ([1], [1], None),
        ([], [], None),
    ],
)
def test_the_knee(x: list[float], y: list[float], wanted: int | None) -> None:
    assert knee(x, y) == wanted


# ---- cost


def results() -> Results:
    questions = JudgedQueries({"1": "one", "2": "two"}, {"1": {"x": 1}, "2": {"x": 1}})
    runs = {
        "bi": SystemRun({"1": ["x"], "2": ["y", "x"]}, 0.03, {"1": 10, "2": 20}),
        "bi+cross": SystemRun({"1": ["x"], "2": ["x"]}, 0.3, {"1": 100, "2": 200}),
        "slow_&_bad": SystemRun({"1": [], "2": []}, 0.6, {"1": 300, "2": 300}),
    }
    return Results.of_runs(questions, runs, ["RR@10", "P@1"])


def test_each_system_is_a_point() -> None:
    bi, cross, bad = cost_points(results(), "RR@10")
    assert (bi.quality, bi.ms, bi.ms_low, bi.ms_high, bi.n) == (0.75, 15, 12.5, 17.5, 2)
    assert bi.interval == Interval(0.5, 1.0)
    assert (cross.quality, cross.ms) == (1, 150)
    assert (bi.dominated, cross.dominated, bad.dominated) == (False, False, True)


def test_tables_to_take_along() -> None:
    rows = table(results(), digits=2)
    assert rows == [
        ("system", "RR@10", "P@1", "n", "ms (median)", "ms (quartiles)"),
        ("bi", "0.75", "0.50", "2", "15.0", "12.5 to 17.5"),
        ("bi+cross", "1.00", "1.00", "2", "150.0", "125.0 to 175.0"),
        ("slow_&_bad", "0.00", "0.00", "2", "300.0", "300.0 to 300.0"),
    ]
    assert as_csv(rows).splitlines()[1] == "bi,0.75,0.50,2,15.0,12.5 to 17.5"
    assert as_csv([("=1+1",)]) == "'=1+1\r\n"
    assert as_markdown(rows).splitlines()[:3] == [
        "| system | RR@10 | P@1 | n | ms (median) | ms (quartiles) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| bi | 0.75 | 0.50 | 2 | 15.0 | 12.5 to 17.5 |",
    ]
    assert as_markdown([("a|b",)]).splitlines()[0] == r"| a\|b |"
    assert as_latex(rows).splitlines() == [
        r"\begin{tabular}{lrrrrr}",
        r"\toprule",
        r"system & RR@10 & P@1 & n & ms (median) & ms (quartiles) \\",
        r"\midrule",
        r"bi & 0.75 & 0.50 & 2 & 15.0 & 12.5 to 17.5 \\",
        r"bi+cross & \textbf{1.00} & \textbf{1.00} & 2 & 150.0 & 125.0 to 175.0 \\",
        r"slow\_\&\_bad & 0.00 & 0.00 & 2 & 300.0 & 300.0 to 300.0 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert (
        latex("a_b & 50% {x} \\ ~ ^ $ # <é>")
        == r"a\_b \& 50\% \{x\} \textbackslash{} \textasciitilde{} \textasciicircum{} \$ \# \textless{}é\textgreater{}"
    )


# ---- figures


def test_figures_carry_ids_and_escape_names() -> None:
    cost = cost_figure(cost_points(results(), "RR@10"), "RR@10")
    assert [row[0] for row in cost.data[1].customdata] == ["bi", "bi+cross", "slow_&_bad"]
    assert list(cost.data[1].text) == ["bi", "bi+cross", "slow_&amp;_bad"]
    assert list(cost.data[0].x) == [15, 150]  # those that no other beats
    depths = sweep_figure(sweep_pool("bi", [answer()], QRELS), 2)
    assert [trace.name for trace in depths.data][:2] == ["nDCG@10", "recall of the pool (ceiling)"]
    bars = changes_figure(results().changes("bi", "bi+cross", "RR@10"), {"1": "<b>one</b>", "2": "two"}, "RR@10").data[
        0
    ]
    assert [row[0] for row in bars.customdata] == ["1", "2"]
    assert list(bars.y) == [0, 0.5]
    assert bars.customdata[0][1] == "&lt;b&gt;one&lt;/b&gt;"
    widths = widths_figure([WidthRecall(10, 0.5, 1.0), WidthRecall(200, 0.99, 2.0, current=True)], 10)
    assert [list(trace.y) for trace in widths.data] == [[0.5, 0.99], [1, 2]]
    assert list(widths.layout.xaxis.ticktext) == ["10", "200 (now)"]


def test_systems_of_a_run_are_parsed_as_they_were_named() -> None:
    assert parse_system("bi+cross@4", 50).rank(answer()) == [3, 1, 2, 0, 4, 5]

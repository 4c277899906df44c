"""The collections of unseen texts that rounds are told apart by."""

from __future__ import annotations

from pathlib import Path

from core.formats.beir import read_beir
from training import unseen

POD = """=head1 About

=head2 What is C<tide>?

X<tide>It rises, says B<the L<sea|perlsea>>, C<< $a->b >>.

    tide();

=head2 Why?

Nobody knows.

=head1 Author

Somebody.
"""
PAGE = (
    '<h1>FAQ</h1><h3>2.1 Is it <i>wet</i>?<a class="headerlink">¶</a></h3><p>Yes &amp; no.</p>'
    "<section><h3>Contents</h3><p>not asked</p></section></body>"
)


def test_a_faq_in_perls_own_format() -> None:
    assert list(unseen.pod(POD)) == [
        ("What is tide?", "It rises, says the sea, $a->b.\n\n    tide();"),
        ("Why?", "Nobody knows."),
    ]


def test_a_faq_as_a_page_holds_what_is_asked() -> None:
    assert list(unseen.page(PAGE)) == [("Is it wet?", "Yes & no.")]


def test_answers_that_say_little_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "perl" / "5.36" / "pod"
    folder.mkdir(parents=True)
    (folder / "perlfaq1.pod").write_text(f"=head2 Long?\n\n{'word ' * 900}\n\n=head2 Short?\n\nNo.\n")
    found = unseen.faq(tmp_path)
    assert [question for question, _ in found] == ["Long?"]
    assert len(found[0][1]) == unseen.LONGEST


def test_what_is_written_is_a_judged_collection(tmp_path: Path) -> None:
    unseen.write(tmp_path / "mini", [("first?", "one"), ("second?", "two"), ("third?", "three")], 2)
    judged = read_beir(tmp_path / "mini")
    assert judged.queries == {"q0": "first?", "q1": "second?"}
    assert judged.texts == ["one", "two", "three"]
    assert judged.qrels == {"test": {"q0": {"d0": 1}, "q1": {"d1": 1}}}

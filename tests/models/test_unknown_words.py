"""Words that a model does not know: counted as words, whatever its tokens are."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from core.models.bi_encoder import SentenceTransformerEncoder
from core.models.tokenization import TokenCounter, unreadable_chunks_note
from core.records.search import UnknownText
from core.settings import BUILT_IN_MODEL

THAI = "เรือออกจากท่าเรือ"  # four words, one unknown token


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load(BUILT_IN_MODEL, "float32", "cpu")


@pytest.mark.parametrize(
    ("text", "words", "lost", "tokens", "unknown_tokens", "mostly"),
    [
        (THAI, 4, 4, 1, 1, True),
        (f"The ferry leaves from the {THAI} pier", 10, 4, 7, 1, False),
        ("ខ្ញុំ ស្រលាញ់", 2, 2, 2, 2, True),
        ("தமிழ் boat", 2, 1, 2, 1, False),  # half is not most
        ("x" * 101 + " boat", 2, 1, 2, 1, False),  # longer than WordPiece's longest word
        ("😀😀 😀😀", 0, 0, 2, 2, True),  # no words, but nothing else either
        ("boat 😀", 1, 0, 2, 1, False),
    ],
)
def test_unknown_words_are_counted(
    encoder: SentenceTransformerEncoder,
    text: str,
    words: int,
    lost: int,
    tokens: int,
    unknown_tokens: int,
    mostly: bool,
) -> None:
    found = encoder.tokens.unknown([text])[0]
    assert found is not None
    assert (found.words, found.unknown_words, found.tokens, found.unknown_tokens) == (
        words,
        lost,
        tokens,
        unknown_tokens,
    )
    assert found.mostly == mostly


@pytest.mark.parametrize("text", ["The ferry leaves at seven.", "हिन्दी में", "", " ", "naïve café", "Ελληνικά"])
def test_what_is_known_is_not_counted(encoder: SentenceTransformerEncoder, text: str) -> None:
    assert encoder.tokens.unknown([text, "boat"]) == [None, None]


def test_the_unknown_words_are_named(encoder: SentenceTransformerEncoder) -> None:
    found = encoder.tokens.unknown(["boat", THAI])[1]
    assert found is not None
    assert found.lost == ("เรือ", "ออก", "จาก", "ท่าเรือ")
    assert "4 of 4 words: เรือ, ออก" in found.sentence
    assert found.as_json()["cannot_read"] is True


def test_a_unigram_model_has_unknown_words_too() -> None:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁", -1.0), ("a", -1.0), ("b", -1.0)], 0, False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    found = TokenCounter(tokenizer).unknown(["ab ba", "ab xyz"])
    assert found[0] is None
    assert found[1] is not None
    assert (found[1].words, found[1].unknown_words, found[1].lost) == (2, 1, ("xyz",))


def test_models_of_bytes_know_everything() -> None:
    alphabet = {letter: number for number, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    tokenizer = Tokenizer(models.BPE(alphabet, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    assert TokenCounter(tokenizer).unknown([THAI, "😀"]) == [None, None]


def test_a_note_tells_how_many_chunks_cannot_be_read() -> None:
    unread, read = UnknownText(4, 3, 4, 3), UnknownText(4, 1, 4, 1)
    assert unreadable_chunks_note("tiny", [None, read]) == ()
    assert unreadable_chunks_note("tiny", [unread, None, read]) == (
        "1 of 3 chunks is mostly words that tiny does not know: it cannot read them; choose a multilingual model",
    )

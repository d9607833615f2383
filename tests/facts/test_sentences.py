"""Every fact can be read aloud."""

import dataclasses
from typing import Any

import pytest

from windlass.facts import types as kinds
from windlass.facts.ledger import KINDS, Fact
from windlass.facts.sentences import sentence
from windlass.kernel.instants import Instant

NOW = Instant(1_800_000_000_000)
SAMPLES = {"str": "abcdef0123456789", "int": 3, "float": 0.25, "bool": False}


def example(kind: type) -> Any:
    """A fact body with plausible values in every field that has no default."""
    values = {
        field.name: SAMPLES.get(getattr(field.type, "__name__", str(field.type)), ())
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    return kind(**values)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_fact_has_its_sentence(kind: str) -> None:
    """No kind of fact is without words, and the words end without a full stop."""
    words = sentence(Fact("fraud", NOW, example(KINDS[kind])))
    assert words
    assert not words.endswith(".")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            kinds.CommitSeen("/r", "main", "4f2a91c0aaaabbbb", "v2", "Ann <a@b>", True),
            'commit 4f2a91c0aaaa "v2" by Ann <a@b> on main, a force-push: the old commit is not its ancestor',
        ),
        (kinds.SourceComplained("/r", "c", ()), "the source is well again"),
        (kinds.SourceComplained("/r", "c", ("a", "b")), "the source is wrong: a; b"),
        (kinds.StepTaken("r3", 1, "s4", 0.25, "safe"), "step 2: 25% of the traffic, safe"),
        (
            kinds.RolloutEnded("r3", "blake3:5f2a91c0aaaabbbb", "rolled_back", "harm shown"),
            "release 5f2a91c0aaaa rolled back: harm shown",
        ),
        (kinds.Frozen("ann", "audit"), "frozen by ann: audit"),
        (kinds.Frozen("ann", "", NOW), "frozen until 2027-01-15T08:00:00.000Z by ann"),
        (
            kinds.ReleasesForgotten(("blake3:aaaaaaaaaaaabb",), "ann"),
            "release aaaaaaaaaaaa is forgotten by ann: nothing can reach it",
        ),
        (
            kinds.ReleasesForgotten(("blake3:aaaaaaaaaaaabb", "blake3:bbbbbbbbbbbbaa"), "ann"),
            "releases aaaaaaaaaaaa, bbbbbbbbbbbb are forgotten by ann: nothing can reach them",
        ),
        (kinds.Retried("", "blake3:aaaaaaaaaaaabb", "ann", ""), "build aaaaaaaaaaaa is tried again by ann"),
        (
            kinds.Retried("", "blake3:aaaaaaaaaaaabb", "ann", "", fresh_env=True),
            "build aaaaaaaaaaaa is tried again in a fresh environment by ann",
        ),
        (kinds.Retried("blake3:bbbbbbbbbbbbaa", "k", "ann", "x"), "release bbbbbbbbbbbb is tried again by ann: x"),
    ],
)
def test_sentences(body: Any, words: str) -> None:
    """Sentences name who, what and why with their numbers."""
    assert words == sentence(Fact("fraud", NOW, body))

"""What overrules a judgement, or stops a service, says why: whoever asks for it."""

from dataclasses import replace

import pytest

from tests.delivery.rollouts.test_acts import V2, act
from windlass.delivery.rollouts.acts import answer
from windlass.facts import types as kinds
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.testing.stories import live, tell, waiting


@pytest.mark.parametrize(
    ("verb", "state", "arguments", "what"),
    [
        ("promote", waiting("fail"), {"override": True}, "an override"),
        ("promote", waiting("pass"), {"release": short(V2), "full": True, "now": True}, "to promote in full at once"),
        (
            "retry",
            tell(waiting("pass"), kinds.Quarantined(V2, "", "harm", "windlass")),
            {"release": short(V2)},
            "to lift",
        ),
        ("freeze", live(), {}, "a freeze"),
    ],
)
def test_what_overrules_a_judgement_needs_a_reason(
    verb: str, state: ServiceState, arguments: dict[str, object], what: str
) -> None:
    """Whoever asks for it, an act that overrules a judgement or stops a service says why."""
    asked = replace(act(verb, **arguments), reason=" ")
    facts = answer(asked, state, lambda _: V2)
    assert isinstance(facts[-1], kinds.ActEnded)
    assert ("refused", True) == (facts[-1].outcome, "needs a reason; add `--reason`" in facts[-1].words)
    assert facts[-1].words.startswith(what)

"""What the status says in one sentence."""

import pytest

from windlass.engine.queries import _headline
from windlass.facts.state import ServiceState


@pytest.mark.parametrize(("refused", "told"), [(("a",), "a"), (("a", "b", "c"), "a; and 2 more")])
def test_a_refused_file_is_named_with_its_first_complaint(refused: tuple[str, ...], told: str) -> None:
    """The sentence names the commit and the first complaint, and counts the others, which are listed beside it."""
    state = ServiceState("visits", refused=refused, refused_commit="aaaaaaaaaaaaffff")
    assert ("refused", f"the file of commit aaaaaaaaaaaa is refused: {told}") == _headline(state, None, (), ())

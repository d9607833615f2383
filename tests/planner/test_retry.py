"""What a retry in a fresh environment asks of the builds."""

from tests.planner.test_plan import bodies, look
from windlass.facts import types as kinds
from windlass.testing.stories import build_key, live, tell, wanted


def test_a_fresh_environment_is_asked_of_its_build_alone() -> None:
    """`retry --fresh-env` reaches the request of the build that it is about, and no other."""
    again = tell(live(), kinds.Retried("", build_key("v1"), "ann", "new wheels", fresh_env=True))
    (started,) = bodies(look(again))
    assert (True, build_key("v1")) == (started.request["fresh_env"], started.build_key)
    (other,) = bodies(look(tell(again, wanted("v2"))))
    assert (False, build_key("v2")) == (other.request["fresh_env"], other.build_key)

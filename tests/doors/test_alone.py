"""The control plane is dead: what a person can still do through the site agent."""

import json

from tests.doors.conftest import Type
from tests.doors.town import LIVE, ROLLING, Town


def test_traffic_goes_back_through_the_site(typed: Type, made: Town) -> None:
    """With the control plane dead `rollback` is carried out by the site agent, who says so, and `status` shows it."""
    made.play(*ROLLING)
    made.open()
    made.kill_control()
    ended = typed("rollback --until 2h --reason 'it looks odd'")
    assert 0 == ended.code, ended
    assert "doctor-visits leaves v2 and returns to v1" in made.session.named(ended.out)
    assert "the control plane does not answer; the site agent carries this out alone" in ended.err
    assert "a site knows no end of a freeze: this one lasts until `windlass resume`" in ended.err
    seen = typed("status")
    assert 0 == seen.code
    assert "champion    v1  100 %" in made.session.named(seen.out)
    assert "done alone: rollback of doctor-visits by" in seen.out and "it looks odd" in seen.out


def test_status_says_who_speaks(typed: Type, made: Town) -> None:
    """The site's own status has another kind, and says that the control plane does not answer."""
    made.play(*LIVE)
    made.open()
    made.kill_control()
    answer = json.loads(typed("status -o json").out)
    assert ("site_status", "local") == (answer["kind"], answer["site"])
    assert "does not run here" in answer["control_plane"]


def test_what_the_site_cannot_do_is_not_tried(typed: Type, made: Town) -> None:
    """`abort` and `pause` fall back as well; an act that needs the control plane, or a choice of release, does not."""
    made.play(*ROLLING)
    made.open()
    made.kill_control()
    assert (0, "") == ((paused := typed("pause")).code, paused.err.partition("warning")[0])
    assert 1 == typed("promote --full").code
    refused = typed("rollback --to 12345678")
    assert (1, "") == (refused.code, refused.out)
    assert "the site alone knows one way back only" in refused.err
    refused = typed("abort --build")
    assert (1, "") == (refused.code, refused.out)
    assert "builds and gates belong to the control plane" in refused.err
    assert 0 == typed("abort").code
    assert 13 == typed("abort").code

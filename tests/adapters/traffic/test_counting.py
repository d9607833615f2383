"""From lines to totals, without a gateway."""

from pathlib import Path

import pytest

from windlass.adapters.traffic.envoy.lines import Line, parse_line
from windlass.adapters.traffic.envoy.reader import LogReader
from windlass.adapters.traffic.envoy.totals import UNITS_MAX, Rollout, Totals
from windlass.testing.tables import Row, read_table

RELEASE = "blake3:" + "a" * 64
NOW = 1_800_000_000_000
ROLLOUTS = {"fraud": Rollout("r1", False, 10.0)}


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("lines.txt")), ids=str)
def test_what_a_line_means(row: Row) -> None:
    """Every row of lines.txt is what the caller saw, and what of it counts."""
    ends, line = parse_line(text_of(row))
    assert ends == (row["kind"] == "DownstreamEnd")
    assert row["counts"] == ("yes" if line else "no")
    if line:
        assert ("fraud", "s1", RELEASE) == (line.service, line.step, line.release)
        assert (row["failed"], row["refused"]) == ("yes" if line.failed else "no", "yes" if line.refused else "no")
        assert int(row["retries"]) == line.retries
        assert row["duration"] == ("none" if line.microseconds is None else str(line.microseconds))


@pytest.mark.parametrize("text", [b"", b"\t", b"a\tb", b"\xff" * 50])
def test_what_is_no_line_is_passed_over(text: bytes) -> None:
    """Bytes that are no line of ours neither count nor end the reader."""
    assert (False, None) == parse_line(text)


def test_units_beyond_four_thousand_are_sampled() -> None:
    """With more units than can be kept, those with a small hash go on counting, each once."""
    totals = Totals(b"key")
    rollouts = {"fraud": Rollout("r1", True, 10.0)}
    for _ in range(2):
        for number in range(10_000):
            totals.add(line(unit=f"user {number}".encode()), rollouts, NOW)
    kept = len(totals.units["fraud"].hashes)
    assert UNITS_MAX / 3 < kept <= UNITS_MAX
    counted = totals.counts()[0].finished.requests
    assert kept <= counted <= 10_000


def test_settling_waits_for_the_time_out() -> None:
    """A request is settled once its time-out has passed since its admission, not since its end."""
    totals = Totals(b"key")
    totals.add(line(microseconds=1_000), ROLLOUTS, NOW)
    totals.add(line(microseconds=8_000_000), ROLLOUTS, NOW)
    settled = []
    for seconds in range(15):
        totals.settle(ROLLOUTS, NOW + 1000 * seconds)
        settled.append(totals.counts()[0].settled.requests)
    assert settled == sorted(settled)
    assert [0, 1, 2] == sorted(set(settled))
    assert settled.index(1) in (3, 4, 5)
    assert settled.index(2) in (11, 12, 13)


def test_a_clock_that_went_back_does_not_hold_up_settling() -> None:
    """After a restart with an earlier clock, what waits is settled within its time-out all the same."""
    totals = Totals(b"key")
    totals.add(line(), ROLLOUTS, NOW)
    earlier = NOW - 86_400_000
    totals.settle(ROLLOUTS, earlier)
    assert 0 == totals.counts()[0].settled.requests
    totals.settle(ROLLOUTS, earlier + 20_000)
    assert 1 == totals.counts()[0].settled.requests


def test_a_service_that_left_the_plan_settles_late() -> None:
    """Without its time-out a service's last requests wait for a minute, rather than settle too early."""
    totals = Totals(b"key")
    totals.add(line(), {}, NOW)
    totals.settle({}, NOW + 30_000)
    assert 0 == totals.counts()[0].settled.requests
    totals.settle({}, NOW + 70_000)
    assert 1 == totals.counts()[0].settled.requests


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    """What is written in two pieces is counted once, when it is whole; a restart in between changes nothing."""
    log, whole = tmp_path / "access.log", text_of(plain_row()) + b"\n"
    log.write_bytes(whole + whole[:20])
    first = reader(tmp_path)
    first.read(ROLLOUTS, NOW)
    assert 1 == first.totals.counts()[0].finished.requests
    first.save()
    second = reader(tmp_path)
    with log.open("ab") as file:
        file.write(whole[20:])
    second.read(ROLLOUTS, NOW)
    second.read(ROLLOUTS, NOW)
    assert 2 == second.totals.counts()[0].finished.requests


def test_what_was_not_saved_is_read_again(tmp_path: Path) -> None:
    """Totals and place are stored together: a crash before the store costs nothing and doubles nothing."""
    log, whole = tmp_path / "access.log", text_of(plain_row()) + b"\n"
    log.write_bytes(whole * 3)
    first = reader(tmp_path)
    first.read(ROLLOUTS, NOW)
    first.save()
    with log.open("ab") as file:
        file.write(whole * 4)
    first.read(ROLLOUTS, NOW)
    second = reader(tmp_path)
    second.read(ROLLOUTS, NOW)
    assert 7 == second.totals.counts()[0].finished.requests


def test_a_rotated_file_goes_when_its_lines_are_stored(tmp_path: Path) -> None:
    """A crash right after an old file was removed loses none of its lines."""
    old, whole = tmp_path / "access.log.1", text_of(plain_row()) + b"\n"
    old.write_bytes(whole * 3)
    first = reader(tmp_path)
    first.read(ROLLOUTS, NOW)
    with old.open("ab") as file:
        file.write(whole * 2)
    first.read(ROLLOUTS, NOW + 5_000)
    assert not old.exists()
    assert 5 == reader(tmp_path).totals.counts()[0].finished.requests


def test_a_place_that_was_lost_is_no_gap(tmp_path: Path) -> None:
    """Without the stored totals nothing says what was read before; from then on every missing line is a gap."""
    found = reader(tmp_path)
    found.begin_epoch("5/1", is_launched=False)
    for seconds in range(4):
        found.compare(100, frozenset({"r1"}), NOW + 1000 * seconds)
    assert not found.is_tainted(frozenset({"r1"}))
    for seconds in range(4, 8):
        found.compare(101, frozenset({"r1"}), NOW + 1000 * seconds)
    assert found.is_tainted(frozenset({"r1"}))
    assert not found.is_tainted(frozenset({"r2"}))


def test_a_request_that_has_just_ended_is_no_gap(tmp_path: Path) -> None:
    """Envoy keeps lines for a moment: what it has completed is compared only when its line must have been written."""
    found = reader(tmp_path)
    found.begin_epoch("5/1", is_launched=True)
    found.compare(1, frozenset({"r1"}), NOW)
    found.compare(1, frozenset({"r1"}), NOW + 1_000)
    assert not found.is_tainted(frozenset({"r1"}))
    found.compare(1, frozenset({"r1"}), NOW + 2_000)
    assert found.is_tainted(frozenset({"r1"}))


def test_a_line_that_is_missing_after_a_restart_is_a_gap(tmp_path: Path) -> None:
    """Envoy's counters begin at zero with its process: lines read before do not stand in for those of now."""
    (tmp_path / "access.log").write_bytes((text_of(plain_row()) + b"\n") * 5)
    found = reader(tmp_path)
    found.begin_epoch("5/1", is_launched=True)
    found.read(ROLLOUTS, NOW)
    found.compare(5, frozenset({"r1"}), NOW)
    found.begin_epoch("6/1", is_launched=True)
    found.compare(1, frozenset({"r1"}), NOW + 10_000)
    found.compare(1, frozenset({"r1"}), NOW + 20_000)
    assert found.is_tainted(frozenset({"r1"}))


def reader(folder: Path) -> LogReader:
    return LogReader(str(folder / "access.log"), str(folder / "counts.json"), str(folder / "unit.key"))


def line(unit: bytes = b"", microseconds: int = 1_000) -> Line:
    return Line("fraud", "s1", RELEASE, False, False, 0, False, microseconds, unit)


def plain_row() -> Row:
    return read_table(Path(__file__).with_name("lines.txt"))[0]


def text_of(row: Row) -> bytes:
    cells = {name: value or "-" for name, value in row.cells.items()}
    cluster = f"{cells['cluster']}/{'a' * 64}" if row["cluster"] else "-"
    parts = ["1800000000000000", cells["route"], cluster]
    parts += [cells[name] for name in ("code", "flags", "micro", "milli", "attempts", "kind")]
    return "\t".join([*parts, "-", "-"]).encode()

"""Reads the access log as it grows, and keeps totals and place in one file, replaced in one atomic write.

Counters of Envoy cannot be the evidence: they miss time-outs and callers who give up, and know neither step nor unit. A
crash between reading and writing costs nothing, because reading goes on from the place that was stored with the totals.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from windlass.adapters.traffic.envoy.lines import parse_line
from windlass.adapters.traffic.envoy.totals import HASH_MAX, Rollout, Sums, Totals, Units
from windlass.adapters.world import files

CHUNK_BYTES = 4 << 20
FLUSHED_MILLISECONDS = 1_500  # a request that ended this long ago has its line in the file
ROTATED_MILLISECONDS = 2_000  # so long after a rotation nothing is written to the old file any more


@dataclass
class Place:
    """How far the log was read. `offsets` are by inode; `lines` counts finished requests since Envoy's own start, named
    by `epoch`; `excused` are lines that were found missing before."""

    offsets: dict[int, int] = field(default_factory=dict)
    epoch: str = ""
    lines: int = 0
    excused: int = 0
    tainted: set[str] = field(default_factory=set)  # salts of the rollouts during which lines went missing


class LogReader:
    """The reader of one gateway's access log.

    Args:
        log: the access log's path; a rotated one has `.1` behind it.
        state: the file that holds totals and place.
        key_file: the file with the key under which units are hashed.
    """

    def __init__(self, log: str, state: str, key_file: str) -> None:
        self._log = log
        self._state = state
        self._totals = Totals(_load_key(key_file))
        self._place = Place()
        self._has_lost_place = not self._load()
        self._samples: list[tuple[int, int]] = []
        self._rotated_at = 0
        self._changed = False

    @property
    def totals(self) -> Totals:
        """What was counted."""
        return self._totals

    def read(self, rollouts: Mapping[str, Rollout], now: int) -> None:
        """Count the lines that were added since the last call. Half a line is left for the next call."""
        for path in (f"{self._log}.1", self._log):
            self._read_file(path, rollouts, now)
        self._changed |= self._totals.settle(rollouts, now)

    def save(self) -> None:
        """Make totals and place durable, if they changed.

        Raises:
            Unavailable: the disk is full or fails; nothing is lost, the next call tries again.
        """
        if self._changed:
            files.write_file(self._state, json.dumps(self._dump(), separators=(",", ":")).encode())
            self._changed = False

    def forget(self, steps: frozenset[str]) -> None:
        """Drop the totals of all steps except these."""
        self._changed |= self._totals.forget(steps)
        self.save()

    def begin_epoch(self, epoch: str, *, is_launched: bool) -> None:
        """Envoy runs, and its counters began at zero when it was launched."""
        if is_launched:
            self._has_lost_place = False
        if epoch != self._place.epoch:
            self._place.epoch, self._place.lines, self._place.excused = epoch, 0, 0
            self._samples = []
            self._changed = True

    def compare(self, completed: int, salts: frozenset[str], now: int) -> None:
        """Hold the number of requests that Envoy has completed against the lines, once these must have been written.

        Lines that are missing taint the rollouts that are under way (`salts`): their counts are no evidence any more.
        A place that was lost cannot tell what was read before, so the first comparison then only sets the beginning.
        """
        place = self._place
        due = [count for at, count in self._samples if at <= now - FLUSHED_MILLISECONDS]
        self._samples = [sample for sample in self._samples if sample[0] > now - FLUSHED_MILLISECONDS]
        self._samples.append((now, completed))
        missing = max(due, default=0) - place.lines - place.excused
        if missing > 0:
            place.excused += missing
            place.tainted |= frozenset() if self._has_lost_place else salts
            self._changed = True
        if due:
            self._has_lost_place = False

    def is_tainted(self, salts: frozenset[str]) -> bool:
        """Whether lines went missing during one of these rollouts; rollouts that have ended are dropped."""
        if not self._place.tainted <= salts:
            self._place.tainted &= salts
            self._changed = True
        return bool(self._place.tainted)

    def wants_rotation(self, bytes_max: int) -> bool:
        """Whether the log has grown to its limit, and the last rotation is done."""
        return not os.path.exists(f"{self._log}.1") and _size(self._log) > bytes_max

    def rotate(self, now: int) -> None:
        """Rename the log; Envoy must be told to open it again. The old file is read to its end and removed later."""
        os.replace(self._log, f"{self._log}.1")
        make_log(self._log)
        self._rotated_at = now

    def _read_file(self, path: str, rollouts: Mapping[str, Rollout], now: int) -> None:
        try:
            with open(path, "rb") as log:
                inode, size = os.fstat(log.fileno()).st_ino, os.fstat(log.fileno()).st_size
                offset = self._place.offsets.get(inode, 0)
                self._place.offsets[inode] = offset if offset <= size else 0  # somebody cut the file
                log.seek(self._place.offsets[inode])
                while self._read_chunk(log.read(CHUNK_BYTES), inode, rollouts, now):
                    log.seek(self._place.offsets[inode])
        except FileNotFoundError:
            return
        except OSError as error:
            raise files.disk_trouble(error, path) from error
        if path != self._log:
            self._drop_when_done(path, inode, size, now)

    def _read_chunk(self, data: bytes, inode: int, rollouts: Mapping[str, Rollout], now: int) -> bool:
        """Count the whole lines of a chunk; says whether more may follow."""
        end = data.rfind(b"\n") + 1
        if end == 0:
            return False
        for text in data[: end - 1].split(b"\n"):
            ends_request, line = parse_line(text)
            self._place.lines += ends_request
            if line:
                self._totals.add(line, rollouts, now)
        self._place.offsets[inode] = self._place.offsets[inode] + end
        self._changed = True
        return len(data) == CHUNK_BYTES

    def _drop_when_done(self, path: str, inode: int, size: int, now: int) -> None:
        self._rotated_at = self._rotated_at or now
        if now - self._rotated_at < ROTATED_MILLISECONDS or self._place.offsets.get(inode, 0) < size:
            return
        self.save()  # the file goes only when what it said is durable
        os.unlink(path)
        self._place.offsets.pop(inode, None)
        self._rotated_at = 0
        self._changed = True

    def _dump(self) -> dict[str, Any]:
        place, totals = self._place, self._totals
        return {
            "format": 1,
            "offsets": {str(inode): offset for inode, offset in sorted(place.offsets.items())},
            "epoch": place.epoch,
            "lines": place.lines,
            "excused": place.excused,
            "tainted": sorted(place.tainted),
            "finished": [[*key, _dump_sums(sums)] for key, sums in sorted(totals.finished.items())],
            "settled": [[*key, _dump_sums(sums)] for key, sums in sorted(totals.settled.items())],
            "pending": [[second, *key, _dump_sums(sums)] for (second, key), sums in sorted(totals.pending.items())],
            "units": {
                service: {"salt": units.salt, "hash_max": units.hash_max, "hashes": sorted(units.hashes)}
                for service, units in sorted(totals.units.items())
            },
        }

    def _load(self) -> bool:
        """Read the stored totals; a file that cannot be read starts again at nothing, which is a gap and no success."""
        data = files.read_file(self._state)
        if data is None:
            return False
        try:
            found = json.loads(data)
            offsets = {int(inode): int(offset) for inode, offset in found["offsets"].items()}
            self._place = Place(offsets, found["epoch"], found["lines"], found["excused"], set(found["tainted"]))
            totals = self._totals
            totals.finished = {(a, b, c): _load_sums(sums) for a, b, c, sums in found["finished"]}
            totals.settled = {(a, b, c): _load_sums(sums) for a, b, c, sums in found["settled"]}
            totals.pending = {(second, (a, b, c)): _load_sums(sums) for second, a, b, c, sums in found["pending"]}
            totals.units = {
                service: Units(units["salt"], units.get("hash_max", HASH_MAX), set(units["hashes"]))
                for service, units in found["units"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            self._place = Place()
            return False
        return True


def make_log(path: str) -> None:
    """Make an empty access log that only its user can read; an existing one stays."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))


def _dump_sums(sums: Sums) -> list[Any]:
    latency = {str(bucket): count for bucket, count in sorted(sums.latency.items())}
    return [sums.requests, sums.failed, sums.refused, sums.retried, sums.synthetic, latency]


def _load_sums(found: list[Any]) -> Sums:
    requests, failed, refused, retried, synthetic, latency = found
    return Sums(requests, failed, refused, retried, synthetic, {int(key): count for key, count in latency.items()})


def _load_key(path: str) -> bytes:
    key = files.read_file(path)
    if key is None or len(key) != 32:
        key = secrets.token_bytes(32)
        files.write_file(path, key)
    return key


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0

"""Whether held-out rows were kept out of the training data.

The end of a build compares both. Where it could not, because the holdout was not there yet or is another one now, the
gate compares, with the very data that the build learned from: they are read again, and their digest says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from windlass.delivery.builds.overlaps import find_overlap, overlap_json
from windlass.delivery.gates.types import Apart
from windlass.engine.jobs.checkouts import BuildJob
from windlass.engine.jobs.signatures import TABLE_BYTES_MAX, fetch_file, read_small
from windlass.kernel.errors import clip
from windlass.ports.tables import Table

_UNKNOWN = "nobody can say whether these rows were trained on"
_LIMIT = f"{TABLE_BYTES_MAX >> 20} MiB"


def compared(learned: Sequence[Table], held_out: Table, id_column: str) -> dict[str, Any]:
    """The overlap with that one of the training tables which shares most, as provenance stores it."""
    overlaps = [find_overlap(table.columns, held_out.columns, id_column) for table in learned]
    return overlap_json(max(overlaps, key=lambda one: (one.refuse, one.shared)))


async def apart_by(provenance: Mapping[str, Any], held_out: Table, size_bytes: int, job: BuildJob) -> Apart:
    """What the build found about exactly these rows, else what is found now.

    Args:
        provenance: of the release.
        held_out: the rows, with the digest of their file.
        size_bytes: of that file.
        job: the gate's; its commit is looked at for the training data.

    Raises:
        Unavailable: a Git Large File Storage pointer stands in the place of training data.
    """
    known, rows = provenance.get("overlap"), provenance.get("holdout") or {}
    if known and rows.get("digest", held_out.digest) == held_out.digest:
        return Apart(known, refuse=bool(known.get("refuse")))
    data = {name: one for name, one in sorted((provenance.get("data") or {}).items()) if _is_training(name, job)}
    if not data:
        return Apart(words=f"no training data are declared, so {_UNKNOWN}")
    if size_bytes > TABLE_BYTES_MAX:
        return Apart(words=f"the holdout is larger than {_LIMIT} and is not compared, so {_UNKNOWN}")
    counted = {name: str(one["digest"]) for name, one in data.items() if "rows" in one}
    if not counted:
        names = " and ".join(f"data.{name}" for name in data)
        return Apart(words=f"{names}: no table (.csv, .parquet) of at most {_LIMIT} to compare with, so {_UNKNOWN}")
    return await _compared_now(counted, held_out, job)


def _is_training(name: str, job: BuildJob) -> bool:
    """Whether a name in provenance is that of a data set: the artifact stands among them."""
    return name != "artifact" or name in job.spec.data.entries


async def _compared_now(digests: Mapping[str, str], held_out: Table, job: BuildJob) -> Apart:
    job.work.progress("comparing the training data with the holdout")
    learned = []
    for name, digest in digests.items():
        found = await _learned(name, digest, job)
        if isinstance(found, str):
            return Apart(words=f"{found}, so {_UNKNOWN}; `windlass retry` builds with the data of now", refuse=True)
        learned.append(found)
    overlap = compared(learned, held_out, job.spec.data.id)
    return Apart(overlap, refuse=bool(overlap["refuse"]))


async def _learned(name: str, digest: str, job: BuildJob) -> Table | str:
    """The table that the build learned from, or what became of it."""
    field, location = f"data.{name}", job.spec.data.entries.get(name, "")
    path = await fetch_file(field, location, job)
    if path is None:
        return f"{field} ({clip(location) or 'not named any more'}) is gone since the build"
    table = read_small(path, job) if await job.ports.machine.digest(str(path)) == digest else None
    return table or f"{field} ({clip(location)}) changed since the build"

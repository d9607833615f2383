"""A skops file has one form, whatever the memory and the clock were when it was written."""

import io
import json
import warnings
import zipfile
from typing import Any

import numpy as np
import pytest

from windlass.delivery.builds.skops_files import canonical_skops
from windlass.kernel.errors import UserMistake


def archive(members: dict[str, bytes], stamp: int = 2020, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, (stamp, 1, 1, 0, 0, 0)), data, compress_type=compression)
    return target.getvalue()


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def resized(data: bytes, size: int, claimed: int) -> bytes:
    """The archive with another size wherever this one is written."""
    return data.replace(size.to_bytes(4, "little"), claimed.to_bytes(4, "little"))


def of_unknown_method(data: bytes) -> bytes:
    """The archive with a method of compression that nobody has."""
    return patched(patched(data, data.index(b"PK\x01\x02") + 10, b"\x63"), 8, b"\x63")


def schema(*ids: int) -> bytes:
    parts = [{"__class__": "ndarray", "__id__": one, "file": f"{one}.npy"} for one in ids]
    return json.dumps({"__class__": "list", "content": parts, "__id__": 7, "protocol": 3}, indent=2).encode()


def test_addresses_and_times_do_not_matter() -> None:
    """The same parts under other addresses, in another order, at another time and compressed are the same file."""
    one = archive({"900.npy": b"first", "100.npy": b"second", "schema.json": schema(900, 100)})
    two = archive({"schema.json": schema(55, 66), "66.npy": b"second", "55.npy": b"first"}, 2026, zipfile.ZIP_STORED)
    assert canonical_skops(one) == canonical_skops(two)
    assert canonical_skops(one) == canonical_skops(canonical_skops(one))


def test_what_differs_stays_different() -> None:
    """Exchanged parts, and an object that is one and not two equal ones, are other models."""
    one = archive({"1.npy": b"first", "2.npy": b"second", "schema.json": schema(1, 2)})
    exchanged = archive({"1.npy": b"second", "2.npy": b"first", "schema.json": schema(1, 2)})
    same = archive({"1.npy": b"first", "2.npy": b"second", "schema.json": schema(1, 1)})
    assert 3 == len({canonical_skops(data) for data in (one, exchanged, same)})


def test_the_users_own_words_are_left_alone() -> None:
    """Values that merely look like file names or ids, and parts that the schema does not mention, are kept."""
    content = {"content": {"file": {"content": '"1.npy"', "__id__": 5}, "__id__": {"content": "3", "__id__": 6}}}
    data = archive({"schema.json": json.dumps(content).encode(), "1.npy": b"x"})
    with zipfile.ZipFile(io.BytesIO(canonical_skops(data))) as found:
        read = json.loads(found.read("schema.json"))
        assert b"x" == found.read("1.npy")
    assert '"1.npy"' == read["content"]["file"]["content"] and "3" == read["content"]["__id__"]["content"]


def test_real_models_mean_the_same() -> None:
    """Models that are written twice become one file, and predict as before when it is loaded."""
    import skops.io
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chance = np.random.default_rng(0)
    x = chance.normal(size=(120, 3))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)

    def trained() -> list[Any]:
        boosting = HistGradientBoostingClassifier(max_iter=5, early_stopping=False, random_state=1)
        return [make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y), boosting.fit(x, y)]

    for first, second in zip(trained(), trained(), strict=True):
        data = canonical_skops(skops.io.dumps(first))
        assert data == canonical_skops(skops.io.dumps(second))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
        assert np.array_equal(first.predict_proba(x), loaded.predict_proba(x))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no archive", "it cannot be read"),
        (archive({"other.json": b"{}"}), "it cannot be read"),
        (archive({"schema.json": b"{"}), "it cannot be read"),
        (archive({"schema.json": b"[" * 100_000}), "it cannot be read"),
        (archive({"schema.json": schema(1), "1.npy": b"x"})[:-30], "it cannot be read"),
        (patched(archive({"schema.json": schema(*range(99))}), 60, b"\xff" * 20), "it cannot be read"),
        (of_unknown_method(archive({"schema.json": schema(1)})), "it cannot be read"),
        (archive({"schema.json": schema(1), "1.npy": b"x", "part-1.npy": b"y"}), "two of its parts have one name"),
    ],
)
def test_what_is_no_skops_file_is_refused(data: bytes, words: str) -> None:
    """Torn, foreign and hostile files are refused in bounded time."""
    with pytest.raises(UserMistake) as caught:
        canonical_skops(data)
    assert words in str(caught.value)


def test_too_many_parts_are_refused() -> None:
    """An archive whose directory lists 100,001 parts, all of them the same empty one, is refused."""
    data = archive({"part": b""})
    begins, ends = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    listed = data[begins:ends] * 100_001
    many = patched(data[:begins] + listed + data[ends:], begins + len(listed) + 12, len(listed).to_bytes(4, "little"))
    with pytest.raises(UserMistake, match="it claims over 100,000 parts"):
        canonical_skops(many)


def test_doubled_names_and_lying_sizes_are_refused() -> None:
    """An archive with a name twice is refused, and one that claims to be enormous before anything is unpacked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as file:
            file.writestr("schema.json", schema(1))
            file.writestr("schema.json", schema(2))
    with pytest.raises(UserMistake, match="two of its parts have one name"):
        canonical_skops(target.getvalue())
    honest = archive({"schema.json": schema(1), "1.npy": b"x" * 5000}, compression=zipfile.ZIP_STORED)
    with pytest.raises(UserMistake, match="or 2 Gi"):
        canonical_skops(resized(honest, 5000, 0xFFFFFFF0))
    schemas = archive({"schema.json": b" " * 5000}, compression=zipfile.ZIP_STORED)
    with pytest.raises(UserMistake, match=r"its schema\.json claims over 100 Mi"):
        canonical_skops(resized(schemas, 5000, (100 << 20) + 1))

"""What every disk keeps."""

from windlass.ports.world import Disk
from windlass.testing.conformance.runs import Runs


class DiskConformance(Runs):
    """Give fixtures `disk`, and `folder`: an absolute path below which the disk may write."""

    def test_what_is_written_is_read(self, disk: Disk, folder: str) -> None:
        """A file holds what was written last, and missing folders are made."""
        path = f"{folder}/below/it.json"
        self.run(disk.write(path, b"one"))
        self.run(disk.write(path, b""))
        assert self.run(disk.read(path)) == b""
        self.run(disk.write(path, b"\x00two\n"))
        assert self.run(disk.read(path)) == b"\x00two\n"

    def test_a_missing_file_is_none(self, disk: Disk, folder: str) -> None:
        """Reading what is not there gives None, also below what is no folder."""
        self.run(disk.write(f"{folder}/file", b""))
        assert self.run(disk.read(f"{folder}/nothing")) is None
        assert self.run(disk.read(f"{folder}/no/folder")) is None
        assert self.run(disk.read(f"{folder}/file/below")) is None

    def test_appending_adds_at_the_end(self, disk: Disk, folder: str) -> None:
        """Lines stay in the order in which they were appended, in a file that need not exist before."""
        for line in (b"1\n", b"2\n", b"3\n"):
            self.run(disk.append(f"{folder}/a/journal", line))
        assert self.run(disk.read(f"{folder}/a/journal")) == b"1\n2\n3\n"

    def test_names_are_sorted_and_ours_alone(self, disk: Disk, folder: str) -> None:
        """A folder lists what was written into it, sorted, and nothing temporary; a missing one lists nothing."""
        for name in ("b", "a", "c"):
            self.run(disk.write(f"{folder}/list/{name}", b"x"))
        assert self.run(disk.names(f"{folder}/list")) == ("a", "b", "c")
        assert self.run(disk.names(f"{folder}/none")) == ()

    def test_removing_twice_is_removing_once(self, disk: Disk, folder: str) -> None:
        """What was removed is gone, and removing what is not there is no error."""
        self.run(disk.write(f"{folder}/gone", b"x"))
        self.run(disk.remove(f"{folder}/gone"))
        self.run(disk.remove(f"{folder}/gone"))
        self.run(disk.remove(f"{folder}/no/folder"))
        assert self.run(disk.read(f"{folder}/gone")) is None

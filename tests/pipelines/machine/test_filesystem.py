from pathlib import Path

import pytest

from pipelines.machine import filesystem

MOUNTS = """overlay / overlay rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sda1 /home/me/disk ext4 rw 0 0
bucket /mnt/my\\040bucket fuse.s3fs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/out", None), ("/home/you/out", "nfs4"), ("/home/me/disk/out", None), ("/mnt/my bucket/out", "fuse.s3fs"),
        ("/homeless/out", None),
    ],
)  # fmt: skip
def test_a_folder_on_a_network_is_known_by_what_is_mounted_nearest_above_it(tmp_path, monkeypatch, folder, kind):
    (tmp_path / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "mounts")
    assert filesystem.network(Path(folder)) == kind


def test_where_nobody_says_what_is_mounted_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    assert filesystem.network(Path("/")) is None

"""The file system of a folder: whether it is on a disk of this machine."""

from collections.abc import Iterable
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs",
    "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
})  # fmt: skip


def network(folder: Path) -> str | None:
    """Return what a folder is mounted as, if that is a network's file system."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return None
    kind = _kind(folder.resolve(), (line.split()[1:3] for line in lines))
    return kind if kind in NETWORK else None


def _kind(folder: Path, mounts: Iterable[list[str]]) -> str | None:
    """Return the type of the file system that was mounted last at the folder, or nearest above it."""
    found: tuple[int, str] | None = None
    for at, kind in mounts:
        point = Path(at.replace("\\040", " "))
        depth = len(point.parts)
        if folder.is_relative_to(point) and (found is None or depth >= found[0]):
            found = depth, kind
    return found and found[1]

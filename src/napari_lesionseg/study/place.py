"""Whether a folder lies on a disk of this machine, or on a file system shared over a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

# WAL needs memory that all its users share, which a network has not. Virtual machines share folders as servers do.
NETWORK: Final = frozenset(
    [
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "sshfs",
        "9p",
        "afs",
        "afpfs",
        "ncpfs",
        "webdav",
        "davfs",
        "davfs2",
        "ceph",
        "lustre",
        "gpfs",
        "glusterfs",
        "beegfs",
        "orangefs",
        "pvfs2",
        "vboxsf",
        "prl_fs",
        "virtiofs",
    ]
)


def is_on_network(folder: Path) -> bool:
    """Whether ``folder`` lies on a network file system, as far as the system tells; a file system in FUSE may be one.

    The folder itself is not touched: a server that does not answer would hold us up.
    """
    import psutil

    if str(folder).startswith("\\\\"):
        return True
    mounted = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return _is_network(_innermost(mounted))


def _innermost(partitions: Iterable[Any]) -> Any | None:
    """The mount that counts: the longest path, and of two on one path the one that came later."""
    chosen = None
    for partition in partitions:
        if chosen is None or len(partition.mountpoint) >= len(chosen.mountpoint):
            chosen = partition
    return chosen


def _is_network(partition: Any | None) -> bool:
    if partition is None:
        return False
    kind = partition.fstype.lower()
    return kind in NETWORK or kind.startswith("fuse.") or "remote" in partition.opts.split(",")

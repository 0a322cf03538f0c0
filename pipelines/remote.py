"""Remote places: what lies in object stores and on the web, through fsspec.

Each kind of place has a library of its own, which is installed with an extra: `reviewbatch[s3]`.
"""

import re
from typing import Any, BinaryIO

from pipelines.errors import RemoteError, first_line

MARK = "://"
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
WEB = ("http", "https")  # where nothing can be listed
# What in an address is nobody else's business: a name and a password before the host, and what signs it.
PASSWORD = re.compile(r"(?<=://)([^/@?]*:[^/@]*)@|(?<=http://)([^/@?]+)@|(?<=https://)([^/@?]+)@")
SIGNATURE = re.compile(
    r"(?<=[?&])(?:[^=&#]*[-_])?"
    r"(?:access|amz|apikey|auth|authorization|awsaccesskeyid|credential|expires|goog|googleaccessid|key|password|passwd|"
    r"policy|pwd|secret|sig|signature|token)(?:[-_][^=&#]*)?=([^&#]*)&?",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"\w+://[^\s'\"<>]+")


def is_remote(path: str) -> bool:
    """Say whether a path is the address of a remote place: s3://bucket/reviews.parquet."""
    return MARK in path


def shown(path: str) -> str:
    """Return a path as anybody may read it: that of a remote place without a password, and what signs it."""
    if not is_remote(path):
        return path
    bare = SIGNATURE.sub("", PASSWORD.sub("", path))
    return bare if bare == path else bare.rstrip("?&")


def hidden(said: str, path: str) -> str:
    """Return what a library says of a path, without what nobody else should read of its address."""
    said = ADDRESS.sub(lambda found: shown(found[0]), said)
    if is_remote(path):
        found = [secret for kind in (PASSWORD, SIGNATURE) for one in kind.finditer(path) for secret in one.groups("")]
        for secret in (*found, *(one.partition(":")[2] for one in found)):
            said = said.replace(secret, "...") if secret else said
    return said


def opened(path: str) -> BinaryIO:
    """Open what lies there to read. Raises RemoteError when it cannot be got at."""
    files, there = place(path)
    try:
        file: BinaryIO = files.open(there, "rb")
    except Exception as error:  # of as many kinds as there are libraries
        raise unreachable(path, error) from error
    return file


def expand(path: str) -> list[str] | None:
    """Return the files in a folder or of a glob there, in name order; None for the path of a file, if there is one.

    Raises RemoteError when the place cannot be got at.
    """
    files, there = place(path)
    if is_web(path):
        return None
    try:
        if files.isfile(there):  # whatever it is called
            return None
        if any(mark in there for mark in "*?["):
            found = files.glob(there)
        elif files.isdir(there):
            found = files.find(there)
        else:
            return None
    except Exception as error:
        raise unreachable(path, error) from error
    return [files.unstrip_protocol(file) for file in sorted(found)]


def is_web(path: str) -> bool:
    """Say whether a path is an address on the web, where nothing can be listed."""
    return path.partition(MARK)[0] in WEB


def has_folder(path: str) -> bool:
    """Say whether there is such a folder. Raises RemoteError when nobody can tell."""
    files, there = place(path)
    try:
        return bool(files.isdir(there))
    except Exception as error:
        raise unreachable(path, error) from error


def place(path: str) -> tuple[Any, str]:
    """Return the file system of a path, and the path in it. Raises RemoteError when there is no library for it."""
    import fsspec  # noqa: PLC0415  most paths are of this machine

    scheme = path.partition(MARK)[0]
    try:
        files, there = fsspec.core.url_to_fs(path)
    except ImportError as error:
        extra = EXTRAS.get(scheme)
        how = f"pip install 'reviewbatch[{extra}]'" if extra else str(error)
        raise RemoteError(f"cannot get at {shown(path)}: the library for {scheme}{MARK} is missing: {how}") from error
    except Exception as error:  # of as many kinds as there are libraries
        raise unreachable(path, error) from error
    return files, str(there)


def unreachable(path: str, error: Exception) -> RemoteError:
    """Return what says that a place cannot be got at, in one line."""
    missing = isinstance(error, FileNotFoundError)
    what = "there is no such thing" if missing else hidden(first_line(error), path)
    return RemoteError(f"cannot get at {shown(path)}: {what}")

"""What goes wrong with a remote store, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from xtransfer.base.errors import StoreError, XTransferError
from xtransfer.base.settings import shown

_PACKAGES = {"s3": "xtransfer[s3]", "s3a": "xtransfer[s3]", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs",
             "az": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}  # fmt: skip
_NO_PLACE = re.compile(r"(bucket|container) does not exist", re.IGNORECASE)
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError")


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Errors of the file system behind `url` become StoreError; FileNotFoundError of a missing file passes."""
    try:
        yield
    except XTransferError:
        raise
    except FileNotFoundError as error:
        if not _NO_PLACE.search(str(error)):
            raise
        raise _wrong(url, "there is no such bucket; make it, or name another") from error
    except PermissionError as error:
        raise _wrong(url, f"access is denied ({_said(url, error)}); check the credentials and their rights") from error
    except Exception as error:  # each file system raises errors of its own
        if type(error).__name__ in _NO_CREDENTIALS:
            raise _wrong(url, f"no credentials ({_said(url, error)}); give them in the environment, for S3 as "
                              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE") from error  # fmt: skip
        raise _wrong(url, f"{type(error).__name__}: {_said(url, error)}") from error


def no_file_system(url: str, error: Exception) -> str:
    """Why no file system could be made for `url`, and what to install."""
    scheme = url.partition("://")[0].rpartition("::")[2]
    if isinstance(error, ImportError):
        package = _PACKAGES.get(scheme, f"the fsspec package for {scheme}")
        return f"XTRANSFER_STORE: {shown(url)} needs a package that is not installed: pip install '{package}'"
    return f"XTRANSFER_STORE: {shown(url)} cannot be used: {_said(url, error)}"


def _wrong(url: str, what: str) -> StoreError:
    return StoreError(f"XTRANSFER_STORE: {shown(url)}: {what}")


def _said(url: str, error: Exception) -> str:
    return str(error).replace(url, shown(url))

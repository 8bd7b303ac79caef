"""Turns errors of a remote store into messages that say what to do."""

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
def explained(url: str, *, writing: bool = False) -> Iterator[None]:
    """Turns file system errors into StoreError; unless `writing`, lets FileNotFoundError of a missing file through."""
    try:
        yield
    except XTransferError:
        raise
    except FileNotFoundError as error:
        if not _NO_PLACE.search(str(error)):
            if not writing:
                raise
            raise _wrong(url, f"cannot be written ({_said(url, error)})") from error
        raise _wrong(url, "the bucket does not exist; create it or set another") from error
    except PermissionError as error:
        raise _wrong(
            url, f"access denied ({_said(url, error)}); check the credentials and their permissions"
        ) from error
    except Exception as error:  # file systems raise their own exception classes
        if type(error).__name__ in _NO_CREDENTIALS:
            raise _wrong(url, f"no credentials ({_said(url, error)}); set them in the environment, for S3 as "
                              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE") from error  # fmt: skip
        raise _wrong(url, f"{type(error).__name__}: {_said(url, error)}") from error


def no_file_system(url: str, error: Exception) -> str:
    """Returns why `url` cannot be opened, and what to install."""
    scheme = url.partition("://")[0].rpartition("::")[2]
    if isinstance(error, ImportError):
        package = _PACKAGES.get(scheme, f"the fsspec package for {scheme}")
        return f"XTRANSFER_STORE: {shown(url)} needs a package that is not installed: pip install '{package}'"
    return f"XTRANSFER_STORE: {shown(url)} cannot be used: {_said(url, error)}; name a folder, or s3://BUCKET/FOLDER"


def _wrong(url: str, what: str) -> StoreError:
    return StoreError(f"XTRANSFER_STORE: {shown(url)}: {what}")


def _said(url: str, error: Exception) -> str:
    return str(error).replace(url, shown(url))

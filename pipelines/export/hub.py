"""The hub: where a dataset is published, for those who may see it."""

from pathlib import Path

from huggingface_hub import HfApi

from pipelines.errors import RemoteError, first_line


def push(folder: Path, name: str) -> str:
    """Upload a dataset's folder to a repository of this name, a private one if there is none; return its address.

    Tables that an earlier upload has left are removed. Raises RemoteError when the hub cannot be reached, or refuses.
    """
    hub = HfApi()
    try:
        address = hub.create_repo(name, repo_type="dataset", private=True, exist_ok=True)
        hub.upload_folder(
            repo_id=address.repo_id,
            repo_type="dataset",
            folder_path=folder,
            delete_patterns="data/*",
            commit_message="Upload what reviewbatch has written",
        )
    except Exception as error:  # the hub's client raises whatever its parts raise
        what = first_line(error).rstrip(".")
        raise RemoteError(
            f"cannot upload {folder} to {name}: {what}; it takes a network, and a token of `hf auth login`"
        ) from error
    return str(address)

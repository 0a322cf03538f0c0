import threading

import pytest

from pipelines.errors import ModelError
from pipelines.models import catalog


def test_tiny_is_made_once_and_is_the_same_everywhere(tmp_path, tiny):
    made = []
    first = catalog.find("tiny", tmp_path, lambda: made.append(1))
    again = catalog.find("tiny", tmp_path, lambda: made.append(1))
    assert len(made) == 1
    assert first == again
    assert first.fingerprint == tiny.fingerprint
    assert first.context == 8192
    assert {path.name for path in tmp_path.iterdir()} - {catalog.DIGESTS} == {".tiny.lock", "tiny"}


def test_a_damaged_model_is_made_again(tmp_path, tiny):
    weights = catalog.find("tiny", tmp_path).folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert catalog.find("tiny", tmp_path).fingerprint == tiny.fingerprint


def test_two_first_runs_at_once_end_with_one_whole_model(tmp_path, tiny):
    barrier, found, made = threading.Barrier(2), [], []

    def first_run():
        barrier.wait()
        found.append(catalog.find("tiny", tmp_path, lambda: made.append(1)).fingerprint)

    threads = [threading.Thread(target=first_run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tiny.fingerprint] * 2
    assert len(made) == 1


def test_a_folder_is_known_by_what_is_in_it(tmp_path, tiny):
    import shutil

    copy = shutil.copytree(tiny.folder, tmp_path / "copy")
    assert catalog.find(str(copy), tmp_path).fingerprint == tiny.fingerprint
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert catalog.find(str(copy), tmp_path).fingerprint != tiny.fingerprint


def test_an_unknown_model_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"^no model 'gpt-nowhere': not an alias \(smollm2-135m.*$"):
        catalog.find("gpt-nowhere", tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt"])
def test_weights_that_may_hold_code_are_one_clear_line(tmp_path, tiny, name):
    import shutil

    copy = shutil.copytree(tiny.folder, tmp_path / "copy")
    (copy / name).write_bytes(b"whatever it is")
    catalog.find(str(copy), tmp_path)  # which is not opened where there is something better
    (copy / "model.safetensors").unlink()
    with pytest.raises(
        ModelError, match=rf"has weights in {name}, which may hold code and is not opened: have them as"
    ):
        catalog.find(str(copy), tmp_path)


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="is no model folder"):
        catalog.find(str(tmp_path), tmp_path)

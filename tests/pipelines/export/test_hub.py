"""The hub's own client against a hub on this machine."""

import base64
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import HfApi

from pipelines.errors import RemoteError
from pipelines.export import hub

NAME = "somebody/reviews"


class Hub(BaseHTTPRequestHandler):
    """A hub that has a file of an earlier upload, keeps what it is told, and does not know nobody."""

    def do_GET(self):
        self.reply([{"type": "file", "path": "data/old.parquet", "size": 1, "oid": "0"}], known="/tree/" in self.path)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told[self.path] = body
        address = f"http://127.0.0.1:{self.server.server_port}/datasets/{NAME}"
        answer = {"url": address, "id": NAME, "commitUrl": f"{address}/commit/1", "commitOid": "1", "success": True}
        if self.path.endswith("/preupload/main"):
            files = [file["path"] for file in json.loads(body)["files"]]
            answer = {"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in files]}
        self.reply(answer, known=b"nobody" not in body)

    def reply(self, answer, *, known=True):
        data = json.dumps(answer if known else {"error": "Who is that?"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def told(monkeypatch):
    """Have the client speak to a hub on this machine; by path what that is told."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.told = {}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(hub, "HfApi", partial(HfApi, endpoint=f"http://127.0.0.1:{server.server_port}", token="x"))
        yield server.told
        server.shutdown()
        thread.join()


def test_a_folder_becomes_a_private_dataset(told, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sentiment.parquet").write_bytes(b"PAR1")
    (tmp_path / "README.md").write_text("---\nconfigs:\n---\n")
    assert hub.push(tmp_path, NAME).endswith(f"/datasets/{NAME}")
    made = json.loads(told["/api/repos/create"])
    assert made == {"organization": "somebody", "name": "reviews", "type": "dataset", "visibility": "private"}
    commit = [json.loads(line) for line in told[f"/api/datasets/{NAME}/commit/main"].splitlines()]
    sent = [line["value"] for line in commit if line["key"] == "file"]
    files = {file["path"]: base64.b64decode(file["content"]) for file in sent}
    assert files == {"data/sentiment.parquet": b"PAR1", "README.md": b"---\nconfigs:\n---\n"}
    assert [line["value"]["path"] for line in commit if line["key"] == "deletedFile"] == ["data/old.parquet"]


@pytest.mark.parametrize(("name", "why"), [(NAME, "Connection refused"), ("a/b/c", "a/b/c"), ("nobody/x", "401")])
def test_what_is_refused_is_one_line(told, monkeypatch, tmp_path, name, why):
    if name == NAME:
        monkeypatch.setattr(hub, "HfApi", partial(HfApi, endpoint="http://127.0.0.1:1", token="hf_x"))
    with pytest.raises(RemoteError, match=f"cannot upload .* to {name}: .*{why}.*hf auth login") as raised:
        hub.push(tmp_path, name)
    assert "\n" not in str(raised.value)

#!/usr/bin/env python3
"""Captures what the current Python SDK sends for errors of a small web shop: the material of `cargo xtask bench`.

    python3 xtask/capture/capture.py [--place /srv/shop] [--count 64]

Writes `fixtures/bench/envelopes.ndjson`, three lines per envelope (its header, the item's header, the event), byte for
byte as the SDK wrote them before gzip, and `fixtures/bench/request.json`, the HTTP headers sent with the first.

The shop runs from a neutral directory with a virtual environment of its own, so that the paths in the stack traces are
those of a server. The one change made to the SDK's bytes: the prefix of this Python's standard library is written as
`/usr/local`, where the official container image has it.
"""

import argparse
import gzip
import http.server
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "fixtures" / "bench"
PACKAGES = ["sentry-sdk", "flask", "requests"]
GATEWAY_PORT = 9400


def main():
    """Prepares the place and starts itself there."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--place", type=pathlib.Path, default=pathlib.Path("/srv/shop"))
    options.add_argument("--count", type=int, default=64)
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.inside:
        capture(chosen.count, pathlib.Path.cwd())
        return
    place = chosen.place
    if place.exists() and not (place / "capture.py").exists():
        sys.exit(f"{place} holds something else than an earlier capture; choose another --place")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", place / ".venv"], check=True)
    python = place / ".venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    command = [python, "capture.py", "--inside", "--count", str(chosen.count)]
    subprocess.run(command, cwd=place, env=environment, check=True)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name in ["envelopes.ndjson", "request.json"]:
        shutil.copy(place / name, FIXTURES / name)


def capture(count, target):
    """Plays `count` visits and writes what arrives."""
    import sentry_sdk

    from shop.app import create_app
    from shop.visits import play

    listener = Listener()
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    sentry_sdk.init(
        dsn=f"http://0123456789abcdef0123456789abcdef@127.0.0.1:{GATEWAY_PORT}/1",
        release="shop@4.12.0+1f3c9ab",
        environment="production",
        server_name="web-1",
        send_default_pii=True,
        traces_sample_rate=0,
        project_root=os.getcwd(),
    )
    logging.getLogger("shop").setLevel(logging.INFO)
    logging.getLogger("shop").addHandler(logging.NullHandler())
    app = create_app(f"http://127.0.0.1:{GATEWAY_PORT}/gateway")
    for serial in range(count):
        play(app, serial)
        sentry_sdk.flush()
    if len(listener.envelopes) != count:
        sys.exit(f"{len(listener.envelopes)} envelopes arrived, not {count}")
    write(listener, target)


def write(listener, target):
    """Writes the fixtures and says how large they are."""
    local = json.dumps(sys.base_prefix)[1:-1].encode()
    envelopes = [envelope.replace(local, b"/usr/local") for envelope in listener.envelopes]
    (target / "envelopes.ndjson").write_bytes(b"".join(envelopes))
    (target / "request.json").write_text(json.dumps(listener.headers, indent=2) + "\n")
    events = [envelope.split(b"\n")[2] for envelope in envelopes]
    sizes = sorted(len(event) for event in events)
    packed = sorted(len(gzip.compress(envelope, 9)) for envelope in envelopes)
    exceptions = [json.loads(event)["exception"]["values"] for event in events]
    frames = sorted(sum(len(one["stacktrace"]["frames"]) for one in chain) for chain in exceptions)
    sites = {(chain[-1]["type"], site(chain[-1])) for chain in exceptions}
    for name, values in [("JSON bytes", sizes), ("gzip -9 bytes", packed), ("frames", frames)]:
        middle = sum(values) / len(values)
        print(f"{name}: mean {middle:.0f}, least {values[0]}, median {values[len(values) // 2]}, most {values[-1]}")
    print(f"places that raise: {len(sites)}")


def site(exception):
    """The innermost line of ours in a stack trace."""
    ours = [frame for frame in exception["stacktrace"]["frames"] if frame.get("in_app")]
    return f"{ours[-1]['filename']}:{ours[-1]['lineno']}"


class Listener(http.server.ThreadingHTTPServer):
    """Takes envelopes as a tracker does, and plays the shop's payment gateway."""

    def __init__(self):
        super().__init__(("127.0.0.1", GATEWAY_PORT), Exchange)
        self.envelopes = []
        self.headers = None


class Exchange(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/gateway/"):
            self.gateway(json.loads(body))
            return
        envelope = gzip.decompress(body)
        lines = envelope.split(b"\n")
        if json.loads(lines[1])["type"] == "event":
            self.server.envelopes.append(b"\n".join(lines[:3]) + b"\n")
            if self.server.headers is None:
                self.server.headers = dict(self.headers.items())
        self.answer(b'{"id":"0"}')

    def gateway(self, order):
        """Declines, answers with a page instead of JSON, or hangs up."""
        if order["token"] == "tok_silence":
            self.close_connection = True
        elif order["token"] == "tok_markup":
            self.answer(b"<html><title>503</title></html>")
        else:
            self.answer(json.dumps({"state": "declined", "reason": "insufficient funds"}).encode())

    def answer(self, body):
        """A 200 with this body."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silence."""


if __name__ == "__main__":
    main()

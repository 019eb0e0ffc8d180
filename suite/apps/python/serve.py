"""Serves the shop on a free port, prints it, and ends (with everything sent) when standard input closes."""

import sys
import threading

import sentry_sdk
from werkzeug.serving import make_server

from shop import telemetry
from shop.web import app

telemetry.start()
server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"listening {server.port}", flush=True)
sys.stdin.read()
server.shutdown()
sentry_sdk.flush(timeout=20)

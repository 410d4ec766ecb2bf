"""Stands in for the forum and for the add-ons, by the contract of their images.

It reads /portal/config/addon.yml and the one file in /portal/secrets, whose name
says which add-on this is. Without a command it is a web server; the command
`worker` is a process that has nothing to do.
"""
import html
import http.server
import json
import pathlib
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request

import yaml

CONFIG = pathlib.Path("/portal/config/addon.yml")
SECRETS = pathlib.Path("/portal/secrets")
PORTS = {"forum": 4567}  # every other listens on 8000

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>
<h1>{name}</h1><p>An add-on of the portal <a href="{url}">{portal}</a>. The portal's lms {state}.</p>
<p>Answered by container {container}. This is a small stand-in, made for the demo.</p></html>"""


def settings():
    """Returns the add-on's name and the portal's settings; the secrets must be readable too."""
    files = sorted(SECRETS.glob("*.yml"))
    if len(files) != 1:
        sys.exit(f"addon: {SECRETS} must hold one .yml file, and holds {len(files)}")
    if not isinstance(yaml.safe_load(files[0].read_text(encoding="utf-8")), dict):
        sys.exit(f"addon: {files[0]} must hold settings")
    return files[0].stem, yaml.safe_load(CONFIG.read_text(encoding="utf-8"))


def lms_state(config):
    """Says in words whether the lms answers."""
    try:
        with urllib.request.urlopen(config["LMS_INTERNAL_ROOT_URL"] + "/heartbeat", timeout=3):
            return "answers"
    except (urllib.error.URLError, OSError) as error:
        return f"does not answer: {error}"


def handler(name, config):
    """Returns the request handler of one add-on."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.split("?")[0] == "/heartbeat":
                self.answer("application/json", json.dumps({"status": "ok", "addon": name}))
                return
            self.answer("text/html; charset=utf-8", PAGE.format(
                name=html.escape(name), portal=html.escape(config["PORTAL_NAME"]),
                url=html.escape(config["LMS_ROOT_URL"]), state=html.escape(lms_state(config)),
                container=socket.gethostname()))

        def answer(self, kind, body):
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format, *args):
            """Health probes are not worth a line each."""

    return Handler


def main():
    """Runs until SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    name, config = settings()
    if sys.argv[1:] == ["worker"]:
        print(f"{name}: worker of portal {config['PORTAL_NAME']} waits for work", flush=True)
    elif sys.argv[1:]:
        sys.exit(f"addon: unknown command {sys.argv[1:]}: none, or worker")
    else:
        port = PORTS.get(name, 8000)
        server = http.server.ThreadingHTTPServer(("", port), handler(name, config))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{name}: of portal {config['PORTAL_NAME']}, listens on {port}", flush=True)
    stopped.wait()


main()

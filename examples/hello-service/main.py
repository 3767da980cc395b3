"""A small web service without dependencies: a page, an echo, a stream of events, and a WebSocket that echoes.

GET /           who answers, as JSON
POST /echo      the same bytes back, as they come
GET /bytes?n=N  N bytes
GET /events     server-sent events, one each second
GET /socket     a WebSocket (RFC 6455): every message comes back
"""

import base64
import hashlib
import json
import os
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CHUNK = 64 * 1024
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/socket" and self.headers.get("Upgrade", "").lower() == "websocket":
            self.socket()
        elif url.path == "/bytes":
            self.bytes(int(parse_qs(url.query).get("n", ["0"])[0]))
        elif url.path == "/events":
            self.events()
        elif url.path == "/":
            self.who()
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def do_POST(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.body():
            self.chunk(piece)
        self.chunk(b"")

    def who(self):
        told = {name: value for name, value in os.environ.items() if name.startswith("DRAAS_")}
        told |= {"path": self.path, "headers": dict(self.headers)}
        data = json.dumps(told, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Set-Cookie", "visited=yes; Path=/; Domain=.localhost")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def bytes(self, count):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count))
        self.end_headers()
        block = bytes(range(256)) * (CHUNK // 256)
        while count > 0 and self.command != "HEAD":
            self.wfile.write(block[: min(count, CHUNK)])
            count -= CHUNK

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3600):
            self.chunk(f"id: {number}\ndata: tick {number}\n\n".encode())
            time.sleep(1)

    def body(self):
        """The request's body in pieces."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            piece = self.rfile.read(min(left, CHUNK))
            if not piece:
                return
            left -= len(piece)
            yield piece

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def socket(self):
        key = self.headers["Sec-WebSocket-Key"] + MAGIC
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        proof = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_header("Sec-WebSocket-Accept", proof)
        self.end_headers()
        self.close_connection = True
        while True:
            kind, data = self.frame()
            if kind in (1, 2):
                self.say(kind, data)
            elif kind == 9:
                self.say(10, data)
            elif kind != 10:
                self.say(8, data[:2])
                return

    def frame(self):
        """One frame of the visitor: its kind and its data, unmasked."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return 8, b""
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack("!H", self.rfile.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.rfile.read(8))
        mask = self.rfile.read(4)
        data = self.rfile.read(size)
        return head[0] & 15, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def say(self, kind, data):
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 128 | kind, size)
        elif size < 65536:
            head = struct.pack("!BBH", 128 | kind, 126, size)
        else:
            head = struct.pack("!BBQ", 128 | kind, 127, size)
        self.wfile.write(head + data)
        self.wfile.flush()

    def log_message(self, text, *values):
        sys.stderr.write(f"{self.command} {self.path}\n")


if __name__ == "__main__":
    port = int(os.environ.get("DRAAS_PORTS", "8080").split(",")[0])
    print(
        f"listening on port {port}, reached at {os.environ.get('DRAAS_URL', 'nowhere')}", flush=True
    )
    ThreadingHTTPServer(("", port), Handler).serve_forever()

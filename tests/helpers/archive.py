"""An archive on this machine, with every fault that archives have."""

import contextlib
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ABORT = struct.pack("ii", 1, 0)


class Archive(ThreadingHTTPServer):
    """One file at any address, served well unless ``tricks`` says how not.

    Attributes
    ----------
    content : bytes
        The file; ``etag`` and ``modified`` name its version, None to keep it secret.
    tricks : list of dict
        What goes wrong with the next requests, one after the other; the last for all
        that follow if ``stubborn``. Keys: ``status`` and ``headers`` of an answer
        without a file; ``drop`` the connection after so many bytes, with ``abort``
        rudely; ``deaf`` to Range; ``blind`` to If-Range; ``shift`` the first byte that
        was asked for; add ``lie`` to the size; another ``content`` and ``etag`` from
        now on; ``chunked``; ``silent`` on the size; ``stall`` before the last byte [s].
    asked : list of email.message.Message
        Headers of all requests.
    sent : int
        Bytes of the file sent in all.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.modified = content, '"1"', None
        self.tricks, self.stubborn = [], False
        self.asked, self.sent = [], 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def trick(self):
        if self.stubborn and len(self.tricks) == 1:
            return self.tricks[0]
        return self.tricks.pop(0) if self.tricks else {}

    def handle_error(self, request, client_address):
        """Say nothing of clients that go away."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        """Keep quiet."""

    def do_GET(self):
        archive, trick = self.server, self.server.trick()
        archive.asked.append(self.headers)
        archive.content = trick.get("content", archive.content)
        archive.etag = trick.get("etag", archive.etag)
        if "status" in trick:
            self.send_response(trick["status"])
            for name, value in trick.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            return
        start = self.first_byte(trick)
        if start >= len(archive.content) > 0 or start < 0:
            self.send_error(416)
            return
        self.send_headers(trick, start)
        self.send_body(trick, archive.content[start:])

    def first_byte(self, trick):
        wanted = self.headers.get("Range")
        if wanted is None or trick.get("deaf"):
            return 0
        version = self.headers.get("If-Range")
        current = (self.server.etag, self.server.modified)
        if version and version not in current and not trick.get("blind"):
            return 0
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return start + trick.get("shift", 0)

    def send_headers(self, trick, start):
        archive, size = self.server, len(self.server.content)
        self.protocol_version = "HTTP/1.1" if trick.get("chunked") else "HTTP/1.0"
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if archive.etag:
            self.send_header("ETag", archive.etag)
        if archive.modified:
            self.send_header("Last-Modified", archive.modified)
        if trick.get("chunked"):
            self.send_header("Transfer-Encoding", "chunked")
        elif not trick.get("silent"):
            self.send_header("Content-Length", str(size - start + trick.get("lie", 0)))
        for name, value in trick.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, trick, body):
        size, body = len(body), body[: trick.get("drop")]
        self.server.sent += len(body)
        if "stall" in trick:
            self.wfile.write(body[:-1])
            time.sleep(trick["stall"])
            body = body[-1:]
        if trick.get("chunked"):
            self.wfile.write(b"%x\r\n%b" % (size, body))
            if "drop" not in trick:
                self.wfile.write(b"\r\n0\r\n\r\n")
        else:
            self.wfile.write(body)
        self.close_connection = True
        if trick.get("abort"):
            self.wfile.flush()
            time.sleep(0.02)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self.connection.close()


@contextlib.contextmanager
def serve(content):
    """Serve a file until the end of the block."""
    with Archive(content) as archive:
        threading.Thread(target=archive.serve_forever, args=(0.01,)).start()
        try:
            yield archive
        finally:
            archive.shutdown()

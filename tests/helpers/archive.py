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
        The file.
    tricks : list of dict
        What goes wrong with the next requests, one after the other; the last for all
        that follow if ``stubborn``. Keys: ``status`` and ``headers`` of an answer
        without a file; ``drop`` the connection after so many bytes, with ``abort``
        rudely; add ``lie`` to the size; another ``content`` from now on; ``chunked``;
        ``silent`` on the size; ``stall`` before the last byte [s].
    asked : list of email.message.Message
        Headers of all requests.
    """

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.tricks, self.stubborn = [], False
        self.asked = []

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
        if "status" in trick:
            self.send_response(trick["status"])
            for name, value in trick.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            return
        self.send_headers(trick)
        self.send_body(trick, archive.content)

    def send_headers(self, trick):
        self.protocol_version = "HTTP/1.1" if trick.get("chunked") else "HTTP/1.0"
        self.send_response(200)
        if trick.get("chunked"):
            self.send_header("Transfer-Encoding", "chunked")
        elif not trick.get("silent"):
            size = len(self.server.content) + trick.get("lie", 0)
            self.send_header("Content-Length", str(size))
        for name, value in trick.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, trick, body):
        size, body = len(body), body[: trick.get("drop")]
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

"""Small real servers that take alerts: HTTP, SMTP and syslog sockets on the loopback interface."""

import base64
import email
import email.policy
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Posts:
    """What an HTTP server was posted, and how it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.url = ""


@contextmanager
def http_server() -> Iterator[Posts]:
    """Yield what a server is posted."""
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.got.append((self.path, dict(self.headers), body))
            self.send_response(posts.status)
            for name, value in posts.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        posts.url = f"http://127.0.0.1:{server.server_address[1]}/hook?unit=1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield posts
        finally:
            server.shutdown()
            thread.join()


class Mailbox:
    """What an SMTP server took, and how it behaves."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[tuple[str, str]] = []
        self.refuses = False
        self.offers = ("AUTH PLAIN",)
        self.port = 0


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """Yield what a server takes; it speaks enough of RFC 5321 and 4954 for smtplib."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline():
                word, _, rest = line.decode().strip().partition(" ")
                match word.upper():
                    case "EHLO":
                        self.say("250-test")
                        for one in box.offers:
                            self.say(f"250-{one}")
                        self.say("250 8BITMIME")
                    case "AUTH":
                        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                        box.logins.append((user, password))
                        self.say("235 ok")
                    case "DATA":
                        self.say("354 go on")
                        raw = b""
                        while (part := self.rfile.readline()) != b".\r\n":
                            raw += part
                        mail = email.message_from_bytes(raw, policy=email.policy.default)
                        assert isinstance(mail, EmailMessage)
                        box.mails.append(mail)
                        self.say("250 taken")
                    case "RCPT" if box.refuses:
                        self.say("550 5.1.1 nobody of that name")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def datagrams(place: Path | None = None) -> Iterator[socket.socket]:
    """Yield a bound socket that datagrams come to: at a path, or on a UDP port."""
    family = socket.AF_INET if place is None else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0) if place is None else str(place))
        receiver.settimeout(60)
        yield receiver


@contextmanager
def listener() -> Iterator[socket.socket]:
    """Yield a listening TCP socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server

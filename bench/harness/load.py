"""Load by wrk over keep-alive connections, and what one request of it cost the server."""

import re
import subprocess
from dataclasses import dataclass

REQUESTS = re.compile(r"^\s+(\d+) requests in ([\d.]+)(m?s|m)", re.MULTILINE)
BAD = re.compile(r"^\s+(Non-2xx or 3xx responses: \d+|Socket errors: .*)$", re.MULTILINE)

SCRIPT = """
wrk.method = "{method}"
wrk.headers["Accept"] = "application/json"
{headers}
{body}
"""


@dataclass
class Work:
    """What is asked: the same words to every server."""

    path: str = "/orders/42"
    method: str = "GET"
    body: str = ""
    token: str = ""

    def script(self, file):
        headers = []
        if self.token:
            headers.append(f'wrk.headers["Authorization"] = "Bearer {self.token}"')
        if self.body:
            headers.append('wrk.headers["Content-Type"] = "application/json"')
        body = f"wrk.body = [==[{self.body}]==]" if self.body else ""
        file.write_text(SCRIPT.format(method=self.method, headers="\n".join(headers), body=body))
        return file


@dataclass
class Cost:
    microseconds: float
    per_second: float


def wrk(server, tls, script, path, connections, seconds):
    scheme = "https" if tls else "http"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"{scheme}://127.0.0.1:{server.port}{path}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    if bad := BAD.search(output):
        raise SystemExit(f"{server.name}: a row that is not answered measures nothing: {bad.group(1)}\n{output}")
    requests, time, unit = REQUESTS.search(output).groups()
    seconds = float(time) * {"ms": 0.001, "s": 1.0, "m": 60.0}[unit]
    return int(requests), seconds


def cost(server, tls, script, path, connections, seconds):
    """CPU of the whole process tree for each request; a second of warming is not counted."""
    wrk(server, tls, script, path, connections, 1)
    before = server.cpu_seconds()
    requests, elapsed = wrk(server, tls, script, path, connections, seconds)
    spent = server.cpu_seconds() - before
    return Cost(microseconds=spent / requests * 1e6, per_second=requests / elapsed)

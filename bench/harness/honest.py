"""What an honest client sees: a steady trickle of requests, and how long each took."""

import subprocess


def latencies(server, tls, path, folder, seconds, rate=100, token=""):
    """Milliseconds of each answered request, sorted, and how many failed; `rate` requests a second over two connections."""
    log = folder / f"{server.name}.latencies"
    log.unlink(missing_ok=True)
    scheme = "https" if tls else "http"
    command = ["h2load", "--h1", "-t1", "-c2", f"--rps={rate // 2}", f"-n{rate * seconds}", f"--log-file={log}", "-T5", "-N5"]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    command.append(f"{scheme}://127.0.0.1:{server.port}{path}")
    try:
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds * 4 + 20, check=False)
    except subprocess.TimeoutExpired:
        pass
    good = []
    for line in log.read_text().splitlines() if log.exists() else ():
        _, status, microseconds = line.split("\t")[:3]
        if status == "200":
            good.append(int(microseconds) / 1000)
    return sorted(good), rate * seconds - len(good)


def at(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")

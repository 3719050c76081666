"""A certificate, an ES256 key with its JWKS, and a token signed by it: from openssl, so that no package is needed."""

import base64
import json
import subprocess
import time


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def certificate(folder):
    """P-256, as the gate makes its own: nginx and the gate show the same one."""
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"),
    )  # fmt: skip
    (folder / "key.pem").chmod(0o600)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bearer(folder, lifetime=3600):
    """Writes jwks.json and returns a token that its key has signed."""
    key = folder / "issuer.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key))
    point = openssl("pkey", "-in", str(key), "-pubout", "-outform", "DER")[-64:]
    public = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench"}
    public |= {"x": base64url(point[:32]), "y": base64url(point[32:])}
    (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "https://api.example", "sub": "user-4711", "client_id": "web"}
    claims |= {"roles": ["buyer"], "scope": "orders:read orders:write", "iat": now, "exp": now + lifetime, "jti": "bench-1"}
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "bench"}
    signed = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    der = openssl("dgst", "-sha256", "-sign", str(key), data=signed.encode())
    return f"{signed}.{base64url(raw_signature(der))}"


def raw_signature(der):
    """r and s of 32 bytes each, as JWS wants them (RFC 7518 §3.4), from the DER that openssl writes."""
    position, parts = 2, b""
    for _ in range(2):
        length = der[position + 1]
        integer = int.from_bytes(der[position + 2 : position + 2 + length], "big")
        parts += integer.to_bytes(32, "big")
        position += 2 + length
    return parts

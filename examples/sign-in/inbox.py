"""A mail server for the test: takes mail by STARTTLS and AUTH alone, and prints each one as a line of JSON."""

import asyncio
import email
import json
import os
import ssl
import sys
from email import policy

from aiosmtpd.smtp import SMTP, AuthResult


class Inbox:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        parts = {kind: mail.get_body((kind,)).get_content() for kind in ("plain", "html")}
        told = {"to": envelope.rcpt_tos, "subject": mail["Subject"], "tls": session.ssl is not None, **parts}
        print(json.dumps(told), flush=True)
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    is_right = data.login == b"gate" and data.password == os.environ["SMTP_PASSWORD"].encode()
    return AuthResult(success=is_right)


async def main(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    make = lambda: SMTP(
        Inbox(), hostname="localhost", tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate
    )
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))

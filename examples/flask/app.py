"""A small Python backend as many teams run one: Flask, SQLite, logins of its own, tokens by PyJWT.

It knows who calls, and forgets to ask whether that caller may. Nothing in here knows of Bartizan.
"""

import datetime
import hashlib
import os
import sqlite3
import sys
import traceback

import jwt
from flask import Flask, g, jsonify, request

SECRET = os.environ.get("JWT_SECRET") or sys.exit("set JWT_SECRET, for instance to $(openssl rand -base64 48)")

database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
database.row_factory = sqlite3.Row
database.executescript(
    """
    CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT, groups TEXT, password TEXT);
    CREATE TABLE records (id INTEGER PRIMARY KEY, patient TEXT, diagnosis TEXT);
    INSERT INTO records VALUES (7, '1', 'a broken arm'), (8, '2', 'a secret one');
    """
)


def digest(password):
    return hashlib.sha256(password.encode()).hexdigest()


for name, groups, password in [("alice", "patient", "wonderland"), ("bob", "patient", "builder"), ("carol", "doctor", "christmas")]:
    database.execute("INSERT INTO patients (name, groups, password) VALUES (?, ?, ?)", (name, groups, digest(password)))

app = Flask(__name__)


@app.get("/health")
def health():
    return jsonify(status="ok")


@app.post("/login")
def login():
    given = request.get_json()
    row = database.execute("SELECT * FROM patients WHERE name = ?", (given["name"],)).fetchone()
    if row is None or row["password"] != digest(given["password"]):
        return jsonify(error="wrong name or password"), 401
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    claims = {"user": {"id": row["id"], "groups": row["groups"].split()}, "exp": ends}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    answer = jsonify(token=token)
    answer.set_cookie("session", token)
    return answer


@app.before_request
def sign_in():
    if request.path in ("/health", "/login", "/console"):
        return None
    try:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        g.user = jwt.decode(token, SECRET, algorithms=["HS256"])["user"]
    except jwt.InvalidTokenError:
        return jsonify(error="sign in first"), 401
    return None


@app.get("/records/<int:number>")
def record(number):
    row = database.execute("SELECT * FROM records WHERE id = ?", (number,)).fetchone()
    return jsonify(dict(row)) if row else (jsonify(error="not found"), 404)


@app.put("/records/<int:number>")
def change(number):
    text = request.get_json()["diagnosis"]
    database.execute("UPDATE records SET diagnosis = ? WHERE id = ?", (text.strip(), number))
    return record(number)


@app.get("/patients")
def patients():
    rows = database.execute("SELECT id, name, groups FROM patients ORDER BY id").fetchall()
    return jsonify([dict(row) for row in rows])


@app.get("/console")
def console():
    return jsonify(secret=SECRET, python=sys.version)


@app.errorhandler(Exception)
def fault(error):
    code = getattr(error, "code", 500)
    return f"<pre>{traceback.format_exc()}</pre>", code


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ.get("PORT", "3000")))

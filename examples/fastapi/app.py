"""A small FastAPI backend as one finds them: its document says what it takes and answers, and its code takes and answers more."""

import os

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

SECRET = os.environ.get("JWT_SECRET", "")
app = FastAPI(title="Accounts", version="1.4.0")
bearer = HTTPBearer()

accounts = {
    1: {"id": 1, "name": "alice", "email": "alice@example.com", "is_admin": False, "credit": 10, "password_hash": "$2b$12$KIXQ", "iban": "DE02120300000000202051"},
    2: {"id": 2, "name": "bob", "email": "bob@example.com", "is_admin": False, "credit": 25, "password_hash": "$2b$12$9yTz", "iban": "DE02500105170137075030"},
}


class Change(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=40)
    email: str | None = Field(default=None, max_length=254)


class Account(BaseModel):
    id: int
    name: str
    email: str


class Accounts(BaseModel):
    accounts: list[Account]


def caller(credentials: HTTPAuthorizationCredentials = Depends(bearer)) -> int:
    try:
        return int(jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise HTTPException(401, "no valid token")


# `responses=` is documentation: nothing is filtered by it, and a JSONResponse is filtered by nothing at all.
@app.get("/accounts", responses={200: {"model": Accounts}}, operation_id="list")
def list_accounts(limit: int = 50, _: int = Depends(caller)):
    return JSONResponse({"accounts": list(accounts.values())[:limit]})


@app.get("/accounts/{account_id}", responses={200: {"model": Account}}, operation_id="read")
def read(account_id: int, _: int = Depends(caller)):
    if account_id not in accounts:
        raise HTTPException(404, "no such account")
    return JSONResponse(accounts[account_id])


# The model validates what it knows, and the row is changed by whatever was sent beside it.
@app.patch("/accounts/{account_id}", responses={200: {"model": Account}}, operation_id="change")
async def change(account_id: int, change: Change, request: Request, _: int = Depends(caller)):
    accounts[account_id].update(await request.json())
    return JSONResponse(accounts[account_id])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "3000")))

"""Protocol §4, §4.1, §4.2, §5.1, §5.6, §8.2: the structs, and the hashes of header, body and transaction."""

from blake3 import h
from codec import (
    blob,
    fixed,
    hash32,
    i8,
    i32,
    listing,
    optional,
    struct,
    text,
    u8,
    u16,
    u32,
    u48,
    u64,
    u256,
    union,
)

ZERO = bytes(32)

Header = struct(
    version=u8,
    knows=u8,
    height=u32,
    prevHash=hash32,
    mmrRoot=hash32,
    bodyRoot=hash32,
    stateRoot=hash32,
    miner=hash32,
    time=u48,
    slip=u48,
    totalWork=u256,
    nonce=u64,
    model=u8,
    proofDigest=hash32,
)

_every = dict(chainId=u32, **{"from": hash32}, nonce=u64, expiry=u32, fee=u64)
Tx = union(
    ("transfer", struct(**_every, to=hash32, amount=u64, memo=blob(64))),
    (
        "channel",
        struct(**_every, provider=hash32, payee=hash32, signer=hash32, limit=u64, lifetime=u16),
    ),
    ("close", struct(**_every, channel=hash32, amount=u64, voucher=fixed(64))),
)
SignedTx = struct(tx=Tx, signature=fixed(64))
Share = struct(
    parent=u32,
    bodyRoot=hash32,
    miner=hash32,
    time=u48,
    nonce=u64,
    knows=u8,
    model=u8,
    proofDigest=hash32,
    linear=u8,
    tile=u32,
)
Vote = struct(back=u8, mask=u32)
Transactions, Shares, Votes = listing(SignedTx, 1000), listing(Share, 32), listing(Vote, 64)
Body = struct(transactions=Transactions, shares=Shares, votes=Votes)

FileRef = struct(hash=hash32, size=u32)
Linear = struct(k=u32, n=u32, r=u16, low=i8, high=i8, weights=hash32)
Table = struct(width=u32, wide=u8, low=i32, high=i32, hash=hash32, size=u32)
Carry = struct(name=text(64), made=u8, last=u8, size=u32, low=i32, high=i32)
Shape = struct(
    sequences=u16,
    tokens=u16,
    segments=listing(FileRef, 256),
    carries=listing(Carry, 256),
    known=listing(hash32, 256),
)
Manifest = struct(
    version=u8,
    name=text(64),
    kind=u8,
    vocabulary=u32,
    packing=text(16),
    answerSize=u16,
    labels=listing(text(32), 1024),
    linears=listing(Linear, 255),
    tables=listing(Table, 4),
    shapes=listing(Shape, 8),
    tokenizer=optional(FileRef),
    template=optional(FileRef),
    licence=text(64),
    attribution=text(1024),
)

Proof = struct(
    linear=u8,
    tile=u32,
    x=listing(hash32, 254),
    t=listing(hash32, 254),
    a=hash32,
    y=hash32,
    rows=blob(131072),
    rowPath=listing(hash32, 64),
    columns=blob(131072),
    columnPath=listing(hash32, 64),
)

Account = struct(balance=u64, nonce=u64, txCount=u32, lastTx=struct(height=u32, index=u32))
Coinbase = struct(
    miner=hash32, amount=u64, shares=listing(struct(miner=hash32, amount=u64, named=u8), 32)
)
Channel = struct(asker=hash32, signer=hash32, provider=hash32, payee=hash32, limit=u64, expiry=u32)
Ending = listing(hash32, 256)


def core_hash(header):
    """h of §4: the hash of the header without proofDigest."""
    return h("header", Header.encode(header)[:-32])


def block_id(header):
    return h("block", core_hash(header) + header["proofDigest"])


def body_root(body):
    """bodyRoot of §4.1."""
    row = [h("body-leaf", SignedTx.encode(signed)) for signed in body["transactions"]]
    count = len(row)
    while len(row) > 1:
        pairs = [h("body-node", row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = pairs + row[2 * len(pairs) :]
    rest = h("shares", Shares.encode(body["shares"]) + Votes.encode(body["votes"]))
    return h("body", u32.encode(count) + (row[0] if row else ZERO) + rest)


EMPTY_BODY = {"transactions": [], "shares": [], "votes": []}


def tx_id(genesis, tx):
    return h("tx", genesis + Tx.encode(tx))


def address(key):
    return h("address", key)


def voucher_hash(genesis, channel, amount):
    """What a channel's signer signs (§8.5)."""
    return h("voucher", genesis + channel + u64.encode(amount))

"""A made-up package that is small enough to be mined here, and who mines with it: for selftest.py alone."""

from array import array

import mmr
import tree
from blake3 import blake3, h, path_of_range, xof
from formats import (
    EMPTY_BODY,
    Body,
    Header,
    Proof,
    address,
    block_id,
    body_root,
    core_hash,
    tx_id,
)
from manifest import Package
from network import Network
from secp256k1 import public_key, sign
from state import before_genesis, execute
from unit import (
    Pass,
    digest,
    first_winner,
    known_answers,
    layer_seed,
    limit,
    messages,
    noisy_a,
    noisy_b,
    rows_of_b,
    seed,
    tickets,
    tokens,
)


def _message(*parts):
    """A protobuf message of (number, int or bytes)."""
    out = b""
    for number, value in parts:
        whole = isinstance(value, int)
        out += _varint(number << 3 | (0 if whole else 2))
        out += _varint(value % 2**64) if whole else _varint(len(value)) + value
    return out


def _varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _tensor(name, dims, values, code):
    raw = array({1: "f", 7: "q"}[code], values).tobytes()
    return _message(*((1, size) for size in dims), (2, code), (8, name.encode()), (9, raw))


def graph(inputs, outputs, nodes, constants):
    """Bytes of an ONNX file. Nodes are (operator, inputs, output, {attribute: int})."""
    parts = []
    for kind, names, output, attributes in nodes:
        attribute = [
            (5, _message((1, key.encode()), (3, n), (20, 2))) for key, n in attributes.items()
        ]
        reads = [(1, name.encode()) for name in names]
        parts.append((1, _message(*reads, (2, output.encode()), (4, kind.encode()), *attribute)))
    parts += [(5, _tensor(name, *constant)) for name, constant in constants.items()]
    parts += [(11, _message((1, name.encode()))) for name in inputs]
    parts += [(12, _message((1, name.encode()))) for name in outputs]
    return _message((1, 9), (7, _message(*parts)), (8, _message((2, 18))))


def package():
    """Two linears of 128×16 and 128×64 for one sequence of 16 tokens, with a table and a carry."""
    one = lambda value: ((), [value], 1)
    bounds = {"low": one(-63), "high": one(63)}
    scale = [
        ("Mul", ["c1", "eighth"], "p", {}),
        ("Floor", ["p"], "f", {}),
        ("Clip", ["f", "low", "high"], "q", {}),
    ]
    files = {
        "seg-0.onnx": graph(
            ["tokens", "e0"],
            ["kept", "a1"],
            [("Cast", ["tokens"], "kept", {"to": 1}), ("Clip", ["e0", "low", "high"], "a1", {})],
            bounds,
        ),
        "seg-1.onnx": graph(
            ["c1"],
            ["a2"],
            [*scale, ("Concat", ["q"] * 8, "a2", {"axis": 1})],
            {**bounds, "eighth": one(0.125)},
        ),
        "seg-2.onnx": graph(
            ["c2", "kept"],
            ["answer"],
            [
                ("ReduceMax", ["c2", "first"], "m", {"keepdims": 1}),
                ("Slice", ["m", "zero", "width", "second"], "s", {}),
                ("Add", ["s", "kept"], "t", {}),
                ("Div", ["t", "third"], "d", {}),
                ("Floor", ["d"], "f", {}),
                ("Clip", ["f", "low", "high"], "answer", {}),
            ],
            {
                **bounds,
                "third": one(3),
                "first": ((1,), [0], 7),
                "second": ((1,), [1], 7),
                "zero": ((1,), [0], 7),
                "width": ((1,), [16], 7),
            },
        ),
    }
    draw = lambda name, size: bytes((byte % 127 - 63) & 255 for byte in xof("known", name, size))
    files["table-0.bin"] = draw(b"toy table", 257 * 128)
    weights = [draw(b"toy 1", 128 * 16), draw(b"toy 2", 128 * 64)]
    files["weights.bin"] = b"".join(weights)
    linear = lambda n, b: {"k": 128, "n": n, "r": 16, "low": -63, "high": 63, "weights": blake3(b)}
    carry = {"name": "kept", "made": 0, "last": 2, "size": 16, "low": 0, "high": 256}
    manifest = {
        "version": 2,
        "name": "toy",
        "kind": 0,
        "vocabulary": 257,
        "packing": "bytes",
        "answerSize": 16,
        "labels": [],
        "tokenizer": None,
        "template": None,
        "licence": "",
        "attribution": "",
        "linears": [linear(16, weights[0]), linear(64, weights[1])],
        "tables": [{"width": 128, "wide": 1, "low": -63, "high": 63, **ref(files["table-0.bin"])}],
        "shapes": [
            {
                "sequences": 1,
                "tokens": 16,
                "segments": [ref(files[f"seg-{i}.onnx"]) for i in range(3)],
                "carries": [carry],
                "known": [bytes(32)] * 3,
            }
        ],
    }
    manifest["shapes"][0]["known"] = known_answers(Package(manifest, files.get))
    return Package(manifest, files.get)


def ref(data):
    return {"hash": blake3(data), "size": len(data)}


class Key:
    """Somebody with a key."""

    def __init__(self, secret):
        self.secret = secret
        self.key = public_key(secret)
        self.address = address(self.key)


class Miner:
    """Makes blocks on any block that it made, true or false ones, and says how they are told."""

    def __init__(self, recorded, model, genesis_time):
        self.network = Network(recorded, genesis_time)
        self.model = model
        before = before_genesis(self.network)
        header = self.network.genesis(tree.root(before))
        self.genesis = self.network.genesis_id
        self.headers = {self.genesis: header}
        self.peaks = {self.genesis: mmr.append((), self.genesis, 0)}
        self.states = {self.genesis: before}

    def signed(self, owner, kind, height, nonce, **parts):
        """A transaction that is right for the height, but for what `parts` say."""
        tx = {
            "type": kind,
            "chainId": self.network.chain_id,
            "from": owner.key,
            "nonce": nonce,
            "expiry": height + 9,
            "fee": 1000,
            "memo": b"",
            **parts,
        }
        return {"tx": tx, "signature": sign(owner.secret, tx_id(self.genesis, tx))}

    def header(self, parent, transactions, miner, late=0, **changes):
        """A header on a block; `late` is ms beyond the time that is T after the parent's."""
        before = self.headers[parent]
        state = self.states[parent]
        header = {
            "version": 2,
            "knows": 2,
            "height": before["height"] + 1,
            "prevHash": parent,
            "mmrRoot": mmr.root(self.peaks[parent]),
            "stateRoot": tree.root(state),
            "bodyRoot": body_root({**EMPTY_BODY, "transactions": transactions}),
            "miner": miner,
            "time": before["time"] + self.network.block_ms + late,
            "nonce": 0,
            "model": 0,
            "proofDigest": bytes(32),
            **changes,
        }
        header.setdefault("slip", self.network.slip(before, header))
        header.setdefault("totalWork", before["totalWork"] + self.network.work(header))
        return header

    def block(self, parent, transactions=(), miner=bytes(32), late=0, lie=None, **changes):
        """Mines a block (header, body, proof); what `lie` says see there."""
        transactions = list(transactions)
        header = self.header(parent, transactions, miner, late, **changes)
        proof = self.mine(header, lie)
        header["proofDigest"] = digest(proof)
        return header, {**EMPTY_BODY, "transactions": transactions}, proof

    def keep(self, header, body):
        """Takes a block for the parent of others; one that the rules refuse leaves the state as it was."""
        name, parent = block_id(header), header["prevHash"]
        self.headers[name] = header
        self.peaks[name] = mmr.append(self.peaks[parent], name, self.network.work(header))
        try:
            self.states[name] = execute(
                self.network, self.states[parent], header, body["transactions"]
            )
        except Exception:
            self.states[name] = self.states[parent]
        return name

    def mine(self, header, lie=None):
        """Counts the nonce up until a tile wins; the proof. `lie` see `lie`."""
        target = self.network.target(header)
        while True:
            if lie:
                proof = self.lie(lie, header, target)
            else:
                run, t, won = first_winner(self.model, core_hash(header), target)
                proof = won and self._proof(run, t, *won)
            if proof:
                return proof
            header["nonce"] += 1

    def lie(self, lie, header, target):
        """A proof by the last linear, or None, with another x_1 (`x`), another t_1 (`t`), a ticket that does not win
        (`lose`), or the second winner in place of the first (`late`)."""
        model, msgs = self.model, []
        sigma, t = seed(core_hash(header)), [bytes(32)]
        run = Pass(model, tokens(model, sigma))
        for at, linear in enumerate(model.linears, 1):
            if lie == "x":
                run.x[1] = h("state", b"")
            k, n, r = linear["k"], linear["n"], linear["r"]
            sigma = layer_seed(sigma, t[at - 1], run.x[at], linear["weights"], at)
            a = noisy_a(sigma, array("b", run.a[at]), 0, k, r)
            msgs = messages(
                a, noisy_b(sigma, rows_of_b(model.weights[at - 1], k), 0, n, k, r), n, r
            )
            t.append(h("state", b"") if lie == "t" else blake3(b"".join(msgs)))
            if at < len(model.linears):
                run.step(at)
        found = tickets(sigma, msgs, at, range(len(msgs)))
        wins = [tile for tile, ticket in enumerate(found) if ticket <= limit(target, model, at)]
        if lie == "lose":
            return None if wins else self._proof(run, t, at, 0)
        return self._proof(run, t, at, wins[lie == "late"]) if len(wins) > (lie == "late") else None

    def _proof(self, run, t, at, tile):
        linear, a, b = self.model.linears[at - 1], run.a[at], self.model.weights[at - 1]
        k, width = linear["k"], linear["n"] // 16
        top, left, chunks = tile // width, tile % width, 16 * k // 1024
        return {
            "linear": at,
            "tile": tile,
            "x": [run.x[i] for i in range(1, at)],
            "t": [t[i] for i in range(1, at)],
            "a": run.ahash[at],
            "y": run.y[at],
            "rows": a[top * 16 * k : (top + 1) * 16 * k],
            "rowPath": path_of_range(a, top * chunks, chunks),
            "columns": b[left * 16 * k : (left + 1) * 16 * k],
            "columnPath": path_of_range(b, left * chunks, chunks),
        }


def told(header, body, proof, verdict, **rest):
    """A block as a recording tells it, but for `head`."""
    parts = Header.encode(header), Body.encode(body), Proof.encode(proof)
    words = dict(zip(("header", "body", "proof"), (part.hex() for part in parts)))
    return {**words, "clock": header["time"], "verdict": verdict, **rest}

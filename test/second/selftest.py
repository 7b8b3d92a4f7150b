"""The second implementation's own tests: public vectors, and a chain of the toy package with each rule broken once."""

import json
import traceback
from array import array
from operator import mul
from pathlib import Path

import blake3
import codec
import generation
import mmr
import secp256k1
import tree
import unit
from formats import (
    EMPTY_BODY,
    Body,
    Header,
    Manifest,
    Proof,
    SignedTx,
    block_id,
    body_root,
    core_hash,
    tx_id,
    voucher_hash,
)
from manifest import answer_rows, answers_fit, load, needed, parse, question_price
from network import Network, asert, trunc_div
from second import ROOT, judge
from state import ACCOUNT, VLT, Fault, State, before_genesis, execute
from toy import Key, Miner, package, told

from chain import Node

HERE = Path(__file__).resolve().parent


def test_blake3():
    vectors = json.loads((HERE / "vectors.json").read_text())["blake3"]
    key, context = vectors["key"].encode(), vectors["context"]
    for case in vectors["cases"]:
        data = bytes(i % 251 for i in range(case["length"]))
        assert blake3.blake3(data).hex() == case["hash"][:64]
        assert blake3.keyed(key, data, 131).hex() == case["keyed_hash"]
        assert blake3.derive(context, data, 131).hex() == case["derive_key"]
    many = [bytes([i] * 72) for i in range(5)]
    assert blake3.keyed_many(key, many) == [blake3.keyed(key, data) for data in many]
    assert blake3.xof_many("noise", many, 150) == [blake3.xof("noise", data, 150) for data in many]
    data = bytes(i % 251 for i in range(37 * 1024))
    for first, count in ((0, 3), (5, 2), (36, 1), (0, 37)):
        path, part = (
            blake3.path_of_range(data, first, count),
            data[first * 1024 : (first + count) * 1024],
        )
        assert blake3.root_of_range(37, first, part, path) == blake3.blake3(data)
        assert blake3.root_of_range(37, first, part, path + [bytes(32)]) is None


def test_bip340():
    for case in json.loads((HERE / "vectors.json").read_text())["bip340"]["cases"]:
        secret, key, random, message, signature = (
            bytes.fromhex(case[name])
            for name in ("secret", "key", "random", "message", "signature")
        )
        assert secp256k1.verify(key, message, signature) == case["valid"]
        if secret:
            assert secp256k1.public_key(secret) == key
            assert secp256k1.sign(secret, message, random) == signature


def _expand(bits):
    size, word = bits >> 24, bits & 0x7FFFFF
    return word << 8 * (size - 3) if size > 3 else word >> 8 * (3 - size)


def _compact(target):
    size = (target.bit_length() + 7) // 8
    word = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if word & 0x800000:
        size, word = size + 1, word >> 8
    return size << 24 | word


def test_asert():
    """Bitcoin Cash's vectors of aserti3-2d: blocks of 600 s, two days of half-life."""
    for path in sorted((ROOT / "test/vectors/asert").iterdir()):
        head = {}
        for line in path.read_text().splitlines():
            if line.startswith("## "):
                name, _, value = line[3:].partition(": ")
                head[name.strip()] = value
            elif line and not line.startswith("#"):
                _, height, time, bits = line.split()
                blocks = int(height) - int(head["anchor height"]) + 1
                late = int(time) - int(head["anchor ancestor time"]) - 600 * blocks
                start, most = _expand(int(head["anchor nBits"], 16)), _expand(0x1D00FFFF)
                target = asert(trunc_div(late * 65536, 172_800), start, most)
                assert _compact(target) == int(bits, 16), (path.name, line)


def test_codec():
    listing = codec.listing(codec.u8, 200)
    assert listing.decode(listing.encode(list(range(200)))) == list(range(200))
    for kind, data in (
        (listing, b"\x80\0"),
        (listing, b"\xc9\1" + bytes(201)),
        (listing, b"\1"),
        (listing, b"\1\0\0"),
        (codec.text(4), b"\1\xff"),
        (codec.optional(codec.u8), b"\2\0"),
        (codec.union(("a", codec.u8)), b"\1"),
        (listing, b"\x80\x80\x80\x80\0"),
    ):
        try:
            kind.decode(data)
        except codec.Malformed:
            continue
        raise AssertionError(data)


def _core(name):
    return json.loads((ROOT / "test/vectors/core" / f"{name}.json").read_text())


def test_tree():
    node = None
    for case in _core("tree"):
        key, value = bytes.fromhex(case["key"]), case["value"]
        filled = value is not None
        node = tree.put(node, key, bytes.fromhex(value)) if filled else tree.remove(node, key)
        assert tree.root(node).hex() == case["root"]


def test_mmr():
    peaks = ()
    for case in _core("mmr"):
        peaks = mmr.append(peaks, bytes.fromhex(case["blockId"]), int(case["work"]))
        assert mmr.root(peaks).hex() == case["root"]


def _constants(chain_id, faucet):
    """A network of which only the genesis and the state are asked."""
    return {
        **{"chainId": chain_id, "blockMs": 1, "halfLifeMs": 1, "lagMs": 1, "maturity": 3},
        **{"targetMax": "1", "targetStart": "1", "versions": [], "models": [], "faucet": faucet},
    }


def test_genesis():
    """Block 0 of every network, and header hash and id of all."""
    for case in _core("headers"):
        header = Header.decode(bytes.fromhex(case["bytes"]))
        assert (core_hash(header).hex(), block_id(header).hex()) == (case["h"], case["id"])
        if header["height"] == 0:
            number = 1 + ["main", "test", "local", "e2e"].index(case["network"])
            network = Network(_constants(number, number > 2), header["time"])
            assert network.genesis(tree.root(before_genesis(network))) == header


def test_transactions():
    genesis = bytes.fromhex(_core("channels")["genesis"])
    for case in _core("transactions"):
        signed = SignedTx.decode(bytes.fromhex(case["bytes"]))
        assert tx_id(genesis, signed["tx"]).hex() == case["id"]
        for count, name in ((1, "bodyRoot"), (3, "bodyRootOfThree")):
            assert body_root({**EMPTY_BODY, "transactions": [signed] * count}).hex() == case[name]


def test_state():
    """Roots after blocks of transfers and channels."""
    network, node = Network(_constants(3, False), 0), None
    network.genesis_id = bytes.fromhex(_core("channels")["genesis"])
    for case in _core("state"):
        header = {"height": case["height"], "miner": bytes.fromhex(case["miner"])}
        transactions = Body.decode(bytes.fromhex(case["body"]))["transactions"]
        node = execute(network, node, header, transactions)
        assert tree.root(node).hex() == case["root"], case["height"]


def test_questions():
    for case in _core("questions"):
        given = bytes.fromhex(case["input"])
        assert needed(case, given) == case["needed"]
        for price in case["prices"]:
            named = question_price(case, int(price["offered"]), given)
            assert named == int(price["named"])


def test_answers():
    for case in _core("answers"):
        shapes = case["shapes"]
        rows = [shape["sequences"] * answer_rows(case, shape["tokens"]) for shape in shapes]
        assert rows == case["rows"]
        assert answers_fit(case) == case["fits"]


def test_generation():
    case = json.loads((ROOT / "test/vectors/generator/choice.json").read_text())
    assert generation.weights_hash().hex() == case["weights"]["hash"]
    assert all(generation.WEIGHTS[x] == weight for x, weight in case["weights"]["first"])
    for each in case["seeds"]:
        assert generation.seed_of_text(each["text"]).hex() == each["seed"]
    seed = generation.seed_of_text("42")
    for each in case["draws"]:
        assert generation.drawn_below(each["total"], seed, each["place"]) == each["drawn"]
    told = case["choice"]
    for each in told["choices"]:
        options = generation.OPTIONS.decode(bytes.fromhex(each["options"]))
        common = told["logits"], told["perNat"], options
        tokens = [
            generation.choice(*common, place, set(told["seen"]))
            for place in range(len(each["tokens"]))
        ]
        assert tokens == each["tokens"], each["name"]
    return f"{len(told['choices'])} answers alike"


def test_unit():
    """The layer of test/vectors/pow, whose A and Bᵀ are made by rule."""
    case = json.loads((ROOT / "test/vectors/pow/unit.json").read_text())
    m, k, n, r = (case["shape"][name] for name in "mknr")
    a = array("b", [(7 * i + 3) % 127 - 63 for i in range(m * k)])
    bt = array("b", [(11 * i + 5) % 127 - 63 for i in range(n * k)])
    sigma, rows = bytes.fromhex(case["sigma"]), unit.rows_of_b(bt.tobytes(), k)
    columns = [bt[j * k : j * k + k] for j in range(n)]
    plain = [sum(map(mul, a[i * k : i * k + k], column)) for i in range(m) for column in columns]
    assert unit.product(a, rows, k, n) == plain
    noisy = unit.noisy_a(sigma, a, 0, k, r)
    assert noisy[15] == case["noisyRow15"]
    messages = unit.messages(noisy, unit.noisy_b(sigma, rows, 0, n, k, r), n, r)
    assert messages[1].hex() == case["tile1"]["message"]
    tickets = unit.tickets(sigma, messages, 1, range(len(messages)))
    assert f"{tickets[1]:064x}" == case["tile1"]["ticket"]
    assert blake3.blake3(b"".join(messages)).hex() == case["t"]


def test_tiny():
    """Every known answer of tiny's package."""
    folder = ROOT / "models/tiny"
    tiny = load(folder)
    assert unit.known_answers(tiny) == tiny.shape["known"]
    again = Manifest.decode(Manifest.encode(tiny.manifest))
    assert again == parse((folder / "manifest.json").read_text("utf-8"))


FAUCET = Key(blake3.h("genesis", b"faucet"))
ANN, BOB, EVE, PETE = (Key(blake3.h("genesis", name)) for name in (b"ann", b"bob", b"eve", b"pete"))
GENESIS_TIME = 1_700_000_000_000


class Story:
    """A recording in the making: the chain told so far, and what its head is."""

    def __init__(self, model):
        self.model = model
        target = f"{2**256 // (16 * model.work):064x}"
        self.recorded = {
            "network": {
                "chainId": 9,
                "blockMs": 2000,
                "halfLifeMs": 120_000,
                "lagMs": 720_000,
                "maturity": 3,
                "targetMax": target,
                "targetStart": target,
                "versions": [{"version": 2, "from": 0}],
                "models": [{"id": model.id.hex(), "from": 0, "to": 100}],
                "faucet": True,
            },
            "genesis": {"time": GENESIS_TIME},
            "blocks": [],
            "copies": [],
        }
        self.miner = Miner(self.recorded["network"], model, GENESIS_TIME)
        self.head = self.miner.genesis
        self.recorded["genesis"]["id"] = self.head.hex()

    @property
    def height(self):
        """The height of the next block."""
        return self.miner.headers[self.head]["height"] + 1

    def tx(self, owner, kind, nonce, **parts):
        return self.miner.signed(owner, kind, self.height, nonce, **parts)

    def add(self, *transactions, **more):
        """A block on the head."""
        block = self.miner.block(self.head, transactions, **more)
        self.head = self.miner.keep(*block[:2])
        self.tell(told(*block, "head", replay=self.height % 8 == 0))

    def tell(self, told_block):
        self.recorded["blocks"].append({**told_block, "head": self.head.hex()})

    def copy(self, code, *blocks):
        """A copy that leaves the chain here; the last of its blocks has the fault, those before become the head."""
        head = self.head
        for block in blocks[:-1]:
            head = self.miner.keep(*block[:2])
        parts = [told(*block, "head", head=block_id(block[0]).hex()) for block in blocks[:-1]]
        last = told(*blocks[-1], code, replay=True, head=head.hex())
        self._copies(code, [*parts, last])

    def _copies(self, name, parts):
        self.recorded["copies"].append(
            {"name": name, "from": len(self.recorded["blocks"]), "blocks": parts}
        )

    def false_tx(self, code, *transactions):
        """A copy whose next block ends with a transaction that has the fault."""
        self.copy(code, self.miner.block(self.head, transactions))


def header_faults(story):
    """Rules that are judged before the proof, so that any will do."""
    block = story.miner.block(story.head)
    _, body, proof = block
    bad = lambda **changes: (story.miner.header(story.head, [], bytes(32), **changes), body, proof)
    good = bad()[0]
    story.copy("header.version", bad(version=3, knows=3))
    story.copy("header.knows", bad(knows=1))
    story.copy("header.height", bad(height=good["height"] + 1))
    story.copy("header.mmr-root", bad(mmrRoot=bytes(32)))
    story.copy("header.time-order", bad(time=story.miner.headers[story.head]["time"]))
    story.copy("header.slip", bad(slip=good["slip"] + 1))
    story.copy("header.total-work", bad(totalWork=good["totalWork"] + 1))
    story.copy("header.model", bad(model=1))
    orphan = {**good, "prevHash": bytes(32)}
    story.copy("header.parent-unknown", (orphan, body, proof))
    for ahead, verdict in ((10_000, "head"), (10_001, "header.time-future")):
        name = block_id(block[0]) if verdict == "head" else story.head
        part = told(*block, verdict, head=name.hex())
        story._copies(f"{verdict} {ahead}", [{**part, "clock": good["time"] - ahead}])
    story._copies(
        "wire.malformed", [{**part, "proof": part["proof"] + "00", "verdict": "wire.malformed"}]
    )


def proof_faults(story):
    header, body, proof = story.miner.block(story.head)
    bad = lambda **changes: (header, body, {**proof, **changes})
    edit = lambda data, at, to: data[:at] + bytes([to]) + data[at + 1 :]
    rows, columns = proof["rows"], proof["columns"]
    story.copy("proof.shape", bad(t=[]))
    story.copy("proof.shape", bad(linear=1, x=[], t=[]))
    story.copy("proof.shape", bad(tile=4))
    story.copy("proof.digest", bad(t=[bytes(32)]))
    story.copy("proof.digest", bad(y=bytes(32)))
    story.copy("proof.range", bad(rows=edit(rows, 5, 64)))
    story.copy("proof.range", bad(columns=edit(columns, 5, 192)))
    story.copy("proof.rows", bad(rows=edit(rows, 5, rows[5] ^ 1)))
    story.copy("proof.columns", bad(columns=edit(columns, 5, columns[5] ^ 1)))
    story.copy("proof.columns", bad(columnPath=proof["columnPath"][:-1]))
    story.copy("proof.target", story.miner.block(story.head, lie="lose"))
    story.copy("proof.activations", story.miner.block(story.head, lie="x"))
    story.copy("proof.transcript", story.miner.block(story.head, lie="t"))
    # one unit in some 700 has two winners: the first such lies behind this nonce
    story.copy("proof.earlier-winner", story.miner.block(story.head, lie="late", nonce=3000))
    short = told(*bad(columns=b"", columnPath=[]), "head", head=block_id(header).hex())
    story._copies("columns held", [short])
    junk = Proof.encode({**proof, "x": [bytes(32)]}).hex()
    story._copies(
        "a bad witness marks nothing",
        [{**short, "proof": junk, "verdict": "proof.digest", "head": story.head.hex()}, short],
    )


def body_faults(story):
    header, body, proof = story.miner.block(story.head)
    bad = lambda **changes: (header, {**body, **changes}, proof)
    pay = story.tx(FAUCET, "transfer", 0, to=ANN.address, amount=VLT, memo=bytes(64))
    many = [{**pay, "tx": {**pay["tx"], "nonce": nonce}} for nonce in range(300)]
    share = {
        "parent": 0,
        "bodyRoot": bytes(32),
        "miner": bytes(32),
        "time": 0,
        "nonce": 0,
        "knows": 2,
        "model": 0,
        "proofDigest": bytes(32),
        "linear": 2,
        "tile": 0,
    }
    story.copy("body.size", bad(transactions=many))
    story.copy("body.duplicate", bad(transactions=[pay, pay]))
    story.copy("body.shares", bad(shares=[share]))
    story.copy("body.votes", bad(votes=[{"back": 1, "mask": 1}]))
    story.copy("body.root", bad(transactions=[pay]))
    false = story.miner.block(story.head, stateRoot=bytes(32))
    story.copy("header.state-root", false)
    child = story.miner.block(story.miner.keep(*false[:2]))
    other = story.miner.block(story.miner.keep(*child[:2]))
    parts = [told(*false, "header.state-root")]
    parts += [told(*block, "header.known-invalid") for block in (child, other)]
    story._copies("header.known-invalid", [{**part, "head": story.head.hex()} for part in parts])


def pay_faults(story, nonce):
    """What may be wrong with a transfer and with an opening, the sender being the faucet."""
    to = {"to": ANN.address, "amount": VLT}
    pay = lambda at=nonce, **parts: story.tx(FAUCET, "transfer", at, **{**to, **parts})
    fill = {
        "provider": PETE.key,
        "payee": PETE.address,
        "signer": BOB.key,
        "limit": VLT,
        "lifetime": 60,
    }
    fund = lambda at=nonce, **parts: story.tx(FAUCET, "channel", at, **{**fill, **parts})
    story.false_tx("tx.chain", pay(chainId=8))
    story.false_tx("tx.expired", pay(expiry=story.height - 1))
    story.false_tx("tx.expiry-far", pay(expiry=story.height + 1441))
    story.false_tx("tx.amount", pay(amount=0))
    story.false_tx("tx.channel-limit", fund(limit=9_999_999))
    story.false_tx("tx.channel-lifetime", fund(lifetime=59))
    story.false_tx("tx.channel-lifetime", fund(lifetime=20_161))
    story.false_tx("tx.nonce", pay(nonce + 1))
    story.false_tx("tx.balance", pay(amount=10_000_000 * VLT))
    story.false_tx("tx.balance", pay(amount=2**64 - 1))
    story.false_tx("tx.signature", {**pay(), "signature": bytes(64)})
    story.false_tx("tx.dust", pay(to=EVE.address, amount=9_999_999))
    openings = [fund(nonce + i) for i in range(256)]
    full = story.miner.block(story.head, openings)
    after = story.miner.keep(*full[:2])
    last = story.miner.signed(
        FAUCET, "channel", story.height + 1, nonce + 256, **{**fill, "lifetime": 60}
    )
    fits = story.miner.block(after, [last])
    over = story.miner.block(after, [last])
    assert fits[0]["bodyRoot"] == over[0]["bodyRoot"]
    # the list of one height later has room
    parts = [
        told(*full, "head", head=after.hex()),
        told(*fits, "head", head=block_id(fits[0]).hex()),
    ]
    story._copies("256 channels at a height", parts)
    one_more = story.miner.signed(FAUCET, "channel", story.height, nonce + 256, **fill)
    story.false_tx("tx.channel-full", *openings, one_more)


def close_faults(story, channel, limit):
    close = lambda amount=VLT, key=PETE, signer=BOB, name=channel, **parts: story.tx(
        key,
        "close",
        parts.pop("nonce", 0),
        channel=name,
        amount=amount,
        voucher=secp256k1.sign(signer.secret, voucher_hash(story.miner.genesis, name, amount)),
        **parts,
    )
    story.false_tx("tx.close-nonce", close(nonce=1))
    story.false_tx("tx.close-fee", close(fee=VLT + 1))
    story.false_tx("tx.close-unknown", close(name=bytes(32)))
    story.false_tx("tx.close-provider", close(key=EVE))
    story.false_tx("tx.close-amount", close(amount=limit + 1))
    story.false_tx("tx.close-voucher", close(signer=EVE))
    return close


def branches(story):
    """A side branch that takes over once its lead is over half of a tip's work, and one with a false block in it."""
    fork = story.head
    story.add(miner=ANN.address)
    one = story.miner.block(fork, miner=EVE.address)
    first = story.miner.keep(*one[:2])
    story.tell(told(*one, "side"))
    two = story.miner.block(first, miner=EVE.address)
    story.head = story.miner.keep(*two[:2])
    story.tell(told(*two, "head", replay=True))
    # on the old head: no lead, then a lead of a fraction
    behind = block_id_of(story.recorded["blocks"][-3])
    small = story.miner.block(behind, late=-1990)
    story.tell(told(*small, "side"))
    assert small[0]["totalWork"] > two[0]["totalWork"]

    wrong = story.miner.block(fork, stateRoot=bytes(32))
    at = story.miner.keep(*wrong[:2])
    parts, tip = [told(*wrong, "side", head=story.head.hex())], at
    second = story.miner.block(tip)
    parts.append(told(*second, "side", head=story.head.hex()))
    third = story.miner.block(story.miner.keep(*second[:2]))
    parts.append(told(*third, "header.state-root", head=story.head.hex(), at=at.hex()))
    fourth = story.miner.block(story.miner.keep(*third[:2]))
    parts.append(told(*fourth, "header.known-invalid", head=story.head.hex()))
    story._copies("a false block in a branch", parts)


def block_id_of(told_block):
    return block_id(Header.decode(bytes.fromhex(told_block["header"])))


def test_chain():
    model = package()
    assert unit.known_answers(model) == model.shape["known"]
    story = Story(model)
    for _ in range(4):
        story.add(miner=ANN.address)
    header_faults(story)
    proof_faults(story)
    body_faults(story)
    pay_faults(story, 0)

    # to somebody new, who pays on in the same block; to oneself; an account that is left empty
    limit, height = 2 * VLT, story.height
    fresh = story.tx(FAUCET, "transfer", 0, to=BOB.address, amount=5 * VLT)
    on = story.tx(BOB, "transfer", height << 32, to=EVE.address, amount=VLT)
    self = story.tx(FAUCET, "transfer", 1, to=FAUCET.address, amount=VLT)
    fill = {
        "provider": PETE.key,
        "payee": PETE.address,
        "signer": BOB.key,
        "limit": limit,
        "lifetime": 60,
    }
    opening = story.tx(FAUCET, "channel", 2, **fill)
    lasting = story.tx(FAUCET, "channel", 3, **fill)
    story.add(fresh, on, self, opening, lasting)
    away = story.tx(EVE, "transfer", height << 32, to=BOB.address, amount=VLT - 2000)
    story.add(away)
    channel = tx_id(story.miner.genesis, opening["tx"])
    close = close_faults(story, channel, limit)
    story.add(close())
    story.false_tx("tx.close-unknown", close())
    branches(story)
    while story.height < 68:
        story.add(late=-200 if story.height % 3 else 300)
    # a pause beyond the lag is forgotten
    story.add(late=740_000)
    assert story.miner.headers[story.head]["slip"] > 0
    story.add()
    node_packages = {model.id.hex(): model}
    blocks, replayed, copies, alike, wrong = judge(story.recorded, node_packages)
    assert (wrong, alike) == (0, copies), (blocks, replayed, copies, alike, wrong)
    return f"{blocks} blocks, {replayed} units replayed, {alike} of {copies} copies judged alike"


def test_overflow():
    """Numbers at their end, which no chain of this length has."""
    network, last = Network(_constants(9, False), 0), {"height": 0, "index": 0}
    network.genesis_id = bytes(32)
    header = {"height": 1, "miner": bytes(32)}
    full = {"balance": 9 * VLT, "nonce": 5, "txCount": 1, "lastTx": last}

    def paid(sender=None, payee=None, amount=VLT):
        state = State()
        state.put(ACCOUNT, ANN.address, {**full, **(sender or {})})
        state.put(ACCOUNT, BOB.address, {**full, **(payee or {})})
        tx = {"type": "transfer", "chainId": 9, "from": ANN.key, "expiry": 9, "fee": 1000}
        tx |= {"nonce": (sender or full).get("nonce", 5), "to": BOB.address, "memo": b""}
        tx["amount"] = amount
        signature = secp256k1.sign(ANN.secret, tx_id(bytes(32), tx))
        try:
            execute(network, state.tree, header, [{"tx": tx, "signature": signature}])
        except Fault as fault:
            return fault.args[0]
        return "fine"

    assert paid() == "fine"
    assert paid({"nonce": 2**64 - 1}) == "tx.overflow"
    assert paid({"txCount": 2**32 - 1}) == "tx.overflow"
    assert paid(payee={"txCount": 2**32 - 1}) == "tx.overflow"
    assert paid(payee={"balance": 2**64 - VLT}) == "tx.overflow"
    assert paid(payee={"balance": 2**64 - VLT - 1}) == "fine"
    assert paid(amount=2**64 - 1) == "tx.balance"


def test_too_soon():
    """Constants of which 128 half-lives are little: 2^128 times the work before its time."""
    story = Story(package())
    constants = {**story.recorded["network"], "halfLifeMs": 10}
    miner = Miner(constants, story.model, GENESIS_TIME)
    _, body, proof = story.miner.block(story.head)
    for late, code in ((-1280, "proof"), (-1281, "header.too-soon")):
        header = miner.header(miner.genesis, [], bytes(32), late=late)
        part = told(header, body, proof, code)
        node = Node(Network(constants, GENESIS_TIME), {story.model.id.hex(): story.model})
        data = (bytes.fromhex(part[name]) for name in ("header", "body", "proof"))
        assert node.hear(*data, header["time"])[0].startswith(code)


def run():
    """Runs every test_… of this file; 1 if one fails."""
    failed = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                said = test() or "ok"
            except Exception:
                failed, said = 1, traceback.format_exc()
            print(f"{name[5:]}: {said}", flush=True)
    return failed

"""Protocol §4.2 and §8.2 to §8.5: what a block does to the state."""

import tree
from blake3 import h
from formats import (
    Account,
    Channel,
    Coinbase,
    Ending,
    address,
    tx_id,
    u32,
    voucher_hash,
)
from secp256k1 import verify

LEAST = 10_000_000
TOP = 2**64 - 1
VLT = 10**9
FAUCET = "18b2ca227378189c9db62983928ca0bc8823b2bc0a8705ccb90961ad54e9dbb0"
ACCOUNT, COINBASE, CHANNEL, ENDING = range(4)
TYPES = (Account, Coinbase, Channel, Ending)
ABSENT = {"balance": 0, "nonce": 0, "txCount": 0}


class Fault(Exception):
    """A rule that is broken; `args[0]` is its code."""


def need(condition, code):
    if not condition:
        raise Fault(code)


class State:
    """The state after some block; `tree` is replaced with every change, and can be kept."""

    def __init__(self, node=None):
        self.tree = node

    def get(self, kind, name):
        value = tree.get(self.tree, h("tree-key", bytes([kind]) + name))
        return None if value is None else TYPES[kind].decode(value)

    def put(self, kind, name, value):
        key = h("tree-key", bytes([kind]) + name)
        if value is None:
            self.tree = tree.remove(self.tree, key)
        else:
            self.tree = tree.put(self.tree, key, TYPES[kind].encode(value))


def before_genesis(network):
    """The tree of the state before block 0."""
    state = State()
    if network.faucet:
        coins = 10_000_000 * VLT
        last = {"height": 0, "index": 0}
        leaf = {"balance": coins, "nonce": 0, "txCount": 0, "lastTx": last}
        state.put(ACCOUNT, bytes.fromhex(FAUCET), leaf)
    return state.tree


def subsidy(height):
    return 50 * VLT >> (height - 1) // 2_102_400 if height else 0


def _credit(state, name, amount, height, count_at=None, stop=False):
    """Gives an amount to an account; without a leaf it gets one from the least balance on, and it is burned below."""
    account = state.get(ACCOUNT, name)
    if account is None:
        if amount < LEAST:
            return
        last = {"height": 0, "index": 0}
        account = {"balance": 0, "nonce": height << 32, "txCount": 0, "lastTx": last}
    account["balance"] += amount
    if stop:
        account["balance"] = min(account["balance"], TOP)
    need(account["balance"] <= TOP, "tx.overflow")
    _count(account, count_at)
    state.put(ACCOUNT, name, account)


def _count(account, at):
    if at is not None:
        need(account["txCount"] < 2**32 - 1, "tx.overflow")
        account["txCount"] += 1
        account["lastTx"] = {"height": at[0], "index": at[1]}


def _stateless(network, tx, height):
    """The rules of §10.2 that need no state."""
    need(tx["chainId"] == network.chain_id, "tx.chain")
    need(tx["expiry"] >= height, "tx.expired")
    need(tx["expiry"] <= height + 1440, "tx.expiry-far")
    if tx["type"] == "transfer":
        need(tx["amount"] >= 1, "tx.amount")
    if tx["type"] == "channel":
        need(tx["limit"] >= LEAST, "tx.channel-limit")
        need(60 <= tx["lifetime"] <= 20_160, "tx.channel-lifetime")
    if tx["type"] == "close":
        need(tx["nonce"] == 0, "tx.close-nonce")
        need(tx["fee"] <= tx["amount"], "tx.close-fee")


def _spend(state, tx, name, needed, taken, at):
    """The sender's account covers `needed`, and pays `taken` of it: less is taken of a transfer to itself."""
    account = state.get(ACCOUNT, name)
    known = account or ABSENT
    need(tx["nonce"] == known["nonce"], "tx.nonce")
    need(known["nonce"] < TOP and known["txCount"] < 2**32 - 1, "tx.overflow")
    need(needed <= known["balance"], "tx.balance")
    account["balance"] -= taken
    account["nonce"] += 1
    _count(account, at)
    state.put(ACCOUNT, name, account)


def _signature(signed, name):
    need(verify(signed["tx"]["from"], name, signed["signature"]), "tx.signature")


def _transfer(network, state, signed, at, debited):
    tx, sender = signed["tx"], address(signed["tx"]["from"])
    to_self = tx["to"] == sender
    needed = tx["fee"] + tx["amount"]
    _spend(state, tx, sender, needed, tx["fee"] if to_self else needed, at)
    _signature(signed, tx_id(network.genesis_id, tx))
    debited.add(sender)
    if not to_self:
        payee = state.get(ACCOUNT, tx["to"]) or ABSENT
        need(payee["balance"] + tx["amount"] >= LEAST, "tx.dust")
        _credit(state, tx["to"], tx["amount"], at[0], at)


def _open(network, state, signed, at, debited):
    tx, asker = signed["tx"], address(signed["tx"]["from"])
    needed = tx["fee"] + tx["limit"]
    _spend(state, tx, asker, needed, needed, at)
    channel = tx_id(network.genesis_id, tx)
    _signature(signed, channel)
    debited.add(asker)
    expiry = at[0] + tx["lifetime"]
    ending = state.get(ENDING, u32.encode(expiry)) or []
    need(len(ending) < 256, "tx.channel-full")
    state.put(ENDING, u32.encode(expiry), ending + [channel])
    leaf = {name: tx[name] for name in ("signer", "provider", "payee", "limit")}
    state.put(CHANNEL, channel, {**leaf, "asker": asker, "expiry": expiry})


def _close(network, state, signed, at):
    tx = signed["tx"]
    _signature(signed, tx_id(network.genesis_id, tx))
    channel = state.get(CHANNEL, tx["channel"])
    need(channel, "tx.close-unknown")
    need(tx["from"] == channel["provider"], "tx.close-provider")
    need(tx["amount"] <= channel["limit"], "tx.close-amount")
    name = voucher_hash(network.genesis_id, tx["channel"], tx["amount"])
    need(verify(channel["signer"], name, tx["voucher"]), "tx.close-voucher")

    state.put(CHANNEL, tx["channel"], None)
    key = u32.encode(channel["expiry"])
    ending = [name for name in state.get(ENDING, key) if name != tx["channel"]]
    state.put(ENDING, key, ending or None)
    parts = {}
    for name, amount in (
        (channel["payee"], tx["amount"] - tx["fee"]),
        (channel["asker"], channel["limit"] - tx["amount"]),
    ):
        parts[name] = parts.get(name, 0) + amount
    for name, amount in parts.items():
        _credit(state, name, amount, at[0], at)


def execute(network, node, header, transactions):
    """§8.3: the tree after the block, from the tree after its parent. Raises the fault of a transaction."""
    state, height = State(node), header["height"]
    if height == 0:
        return node

    matured = height - network.maturity
    coinbase = state.get(COINBASE, u32.encode(matured)) if matured > 0 else None
    if coinbase:
        state.put(COINBASE, u32.encode(matured), None)
        _credit(state, coinbase["miner"], coinbase["amount"], height, stop=True)

    ending = state.get(ENDING, u32.encode(height)) or []
    for name in ending:
        channel = state.get(CHANNEL, name)
        state.put(CHANNEL, name, None)
        _credit(state, channel["asker"], channel["limit"], height, stop=True)
    if ending:
        state.put(ENDING, u32.encode(height), None)

    fees, debited = 0, set()
    for index, signed in enumerate(transactions):
        tx, at = signed["tx"], (height, index)
        _stateless(network, tx, height)
        if tx["type"] == "transfer":
            _transfer(network, state, signed, at, debited)
        elif tx["type"] == "channel":
            _open(network, state, signed, at, debited)
        else:
            _close(network, state, signed, at)
        fees += tx["fee"]

    for name in sorted(debited):
        account = state.get(ACCOUNT, name)
        if account and account["balance"] < LEAST:
            fees += account["balance"]
            state.put(ACCOUNT, name, None)

    reward = {"miner": header["miner"], "amount": min(subsidy(height) + fees, TOP), "shares": []}
    state.put(COINBASE, u32.encode(height), reward)
    return state.tree

"""Protocol §10.1 and §10.2: a node that judges blocks in the order in which it hears them."""

import mmr
import tree
from codec import Malformed
from formats import (
    Body,
    Header,
    Proof,
    Transactions,
    block_id,
    body_root,
    core_hash,
    tx_id,
)
from state import Fault, before_genesis, execute, need
from unit import full_check, light_check

BODY_MOST = 65_536
DEEP = 2048


class Block:
    """A block whose header, light check and body passed."""

    def __init__(self, header, body, proof, replay, peaks):
        self.header, self.body, self.proof, self.replay = header, body, proof, replay
        # the mountain range after this block
        self.peaks = peaks


class Node:
    """Blocks by id, the state's tree after each that was executed, and what was found false."""

    def __init__(self, network, packages):
        """`packages` are by model id."""
        self.network, self.packages = network, packages
        before = before_genesis(network)
        header = network.genesis(tree.root(before))
        self.head = network.genesis_id
        self.blocks = {self.head: Block(header, None, None, False, mmr.append((), self.head, 0))}
        self.states, self.false, self.replayed = {self.head: before}, set(), 0

    def clone(self):
        """A node that has heard the same; blocks and trees are never changed, so that they are shared."""
        other = object.__new__(Node)
        other.__dict__.update(self.__dict__)
        other.blocks, other.states, other.false = (
            dict(self.blocks),
            dict(self.states),
            set(self.false),
        )
        return other

    def hear(self, header_bytes, body_bytes, proof_bytes, clock, replay=False):
        """The verdict of a block (`head`, `side` or a fault's code), and the id of the block that it is of."""
        try:
            header = Header.decode(header_bytes)
            body, proof = Body.decode(body_bytes), Proof.decode(proof_bytes)
        except Malformed:
            return "wire.malformed", None
        name = block_id(header)
        try:
            parent = self._header(header, name, clock)
            self._light(header, proof)
            self._body(header, body)
        except Fault as fault:
            return fault.args[0], name
        peaks = mmr.append(parent.peaks, name, self.network.work(header))
        self.blocks[name] = Block(header, body, proof, replay, peaks)
        if not self._replaces(name):
            return "side", name
        return self._adopt(name)

    def _header(self, header, name, clock):
        """The header's rules, in order; its parent."""
        net = self.network
        if header["prevHash"] in self.false:
            # what stands on a false block is false too
            self.false.add(name)
        need(name not in self.false, "header.known-invalid")
        need(header["version"] == net.version_at(header["height"]), "header.version")
        need(header["knows"] >= header["version"], "header.knows")
        parent = self.blocks.get(header["prevHash"])
        need(parent, "header.parent-unknown")
        before = parent.header
        need(header["height"] == before["height"] + 1, "header.height")
        need(header["mmrRoot"] == mmr.root(parent.peaks), "header.mmr-root")
        need(header["time"] > before["time"], "header.time-order")
        need(header["time"] <= clock + net.ahead_ms(), "header.time-future")
        need(header["slip"] == net.slip(before, header), "header.slip")
        need(net.exponent(header) >= -128 * 65536, "header.too-soon")
        need(header["totalWork"] == before["totalWork"] + net.work(header), "header.total-work")
        need(net.model_at(header["model"], header["height"]), "header.model")
        return parent

    def _package(self, header):
        return self.packages[self.network.model_at(header["model"], header["height"])["id"]]

    def _light(self, header, proof):
        target = self.network.target(header)
        digest = header["proofDigest"]
        fault = light_check(self._package(header), core_hash(header), digest, target, proof)
        need(fault is None, fault)

    def _body(self, header, body):
        transactions = body["transactions"]
        need(len(Transactions.encode(transactions)) <= BODY_MOST, "body.size")
        names = {tx_id(self.network.genesis_id, signed["tx"]) for signed in transactions}
        need(len(names) == len(transactions), "body.duplicate")
        need(not body["shares"], "body.shares")
        need(not body["votes"], "body.votes")
        need(header["bodyRoot"] == body_root(body), "body.root")

    def _back(self, name):
        """Ids from a block back to genesis."""
        while name in self.blocks:
            yield name
            name = self.blocks[name].header["prevHash"]

    def _replaces(self, name):
        """Whether a branch with that tip replaces the head (§10.1)."""
        tip, head = self.blocks[name].header, self.blocks[self.head].header
        if tip["prevHash"] == self.head:
            return True
        lead = tip["totalWork"] - head["totalWork"]
        work = self.network.work
        if 2 * lead <= min(work(tip), work(head)):
            return False
        own = set(self._back(self.head))
        fork = next(block for block in self._back(name) if block in own)
        if head["height"] - self.blocks[fork].header["height"] <= DEEP:
            return True
        last = [self.blocks[block].header for block, _ in zip(self._back(self.head), range(128))]
        return lead * 128 > 60 * sum(map(work, last))

    def _adopt(self, name):
        """Executes what is not executed of the branch with that tip; it becomes the head if all is well."""
        branch = []
        for block in self._back(name):
            if block in self.states:
                break
            branch.append(block)
        for block in reversed(branch):
            try:
                self._execute(block)
            except Fault as fault:
                self._forget(block)
                return fault.args[0], block
        self.head = name
        return "head", name

    def _execute(self, name):
        block = self.blocks[name]
        before = self.states[block.header["prevHash"]]
        need(block.header["stateRoot"] == tree.root(before), "header.state-root")
        if block.replay:
            target = self.network.target(block.header)
            self.replayed += 1
            fault = full_check(
                self._package(block.header), core_hash(block.header), target, block.proof
            )
            need(fault is None, fault)
        transactions = block.body["transactions"]
        self.states[name] = execute(self.network, before, block.header, transactions)

    def _forget(self, name):
        """A block is false, and with it all that stands on it."""
        self.false.add(name)
        for other, block in list(self.blocks.items()):
            if block.header["prevHash"] in self.false:
                self.false.add(other)
        for other in self.false:
            self.blocks.pop(other, None)

"""Protocol §3, §6 and the genesis of §4: constants of a network, target, slip, work."""

from blake3 import h
from formats import EMPTY_BODY, ZERO, block_id, body_root, u32, u48

LARGEST = 2**256


def trunc_div(a, b):
    """a / b, rounded towards zero; b > 0."""
    return -(-a // b) if a < 0 else a // b


class Network:
    """The constants of a recorded chain's network."""

    def __init__(self, recorded, genesis_time):
        self.chain_id = recorded["chainId"]
        self.block_ms = recorded["blockMs"]
        self.half_life_ms = recorded["halfLifeMs"]
        self.lag_ms = recorded["lagMs"]
        self.maturity = recorded["maturity"]
        self.target_max = int(recorded["targetMax"], 16)
        self.target_start = int(recorded["targetStart"], 16)
        self.versions = recorded["versions"]
        self.models = recorded["models"]
        self.faucet = recorded["faucet"]
        self.genesis_time = genesis_time
        self.genesis_id = None

    def ahead_ms(self):
        """F of §6."""
        return max(10_000, min(30_000, self.block_ms // 2))

    def version_at(self, height):
        return [row["version"] for row in self.versions if row["from"] <= height][-1]

    def model_at(self, index, height):
        """The row of a model that holds at the height, or None."""
        if index >= len(self.models):
            return None
        row = self.models[index]
        return row if row["from"] <= height and ("to" not in row or height < row["to"]) else None

    def lateness(self, header):
        """ms by which a block is behind one block in T since genesis; early ones are negative."""
        return header["time"] - self.genesis_time - self.block_ms * header["height"]

    def slip(self, parent, header):
        return max(parent["slip"], self.lateness(header) - self.lag_ms)

    def exponent(self, header):
        """e of §6."""
        return trunc_div((self.lateness(header) - header["slip"]) * 65536, self.half_life_ms)

    def target(self, header):
        return asert(self.exponent(header), self.target_start, self.target_max)

    def work(self, header):
        """Work of a block; genesis has none."""
        return LARGEST // (self.target(header) + 1) if header["height"] else 0

    def genesis(self, state_root):
        """The header of block 0, its id being kept here."""
        seed = u32.encode(self.chain_id) + u48.encode(self.genesis_time)
        header = {
            "version": 2,
            "knows": 2,
            "height": 0,
            "prevHash": h("genesis", seed),
            "mmrRoot": ZERO,
            "bodyRoot": body_root(EMPTY_BODY),
            "stateRoot": state_root,
            "miner": ZERO,
            "time": self.genesis_time,
            "slip": 0,
            "totalWork": 0,
            "nonce": 0,
            "model": 0,
            "proofDigest": ZERO,
        }
        self.genesis_id = block_id(header)
        return header


def asert(e, start, most):
    """The target e/65536 half-lives from the start target."""
    shifts = e >> 16
    f = e - (shifts << 16)
    factor = ((195766423245049 * f + 971821376 * f * f + 5127 * f**3 + 2**47) >> 48) + 65536
    target = start * factor
    target = target << min(shifts, 512) if shifts >= 0 else target >> -shifts
    return min(max(target >> 16, 1), most)

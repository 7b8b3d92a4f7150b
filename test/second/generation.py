"""docs/generation.md: options, and the choice of a token."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from blake3 import blake3, h, xof
from codec import fixed, listing, struct, u8, u16, u32

OPTIONS = struct(
    form=u8,
    temperature=u16,
    topK=u32,
    topP=u32,
    penalty=u16,
    maxTokens=u16,
    seed=fixed(32),
    stops=listing(u32, 16),
)
NO_WEIGHT = 755


def _weights():
    with localcontext() as context:
        context.prec = 60
        exact = [65536 * (Decimal(-x) / 64).exp() for x in range(NO_WEIGHT + 1)]
        return [int(weight.to_integral_value(ROUND_HALF_EVEN)) for weight in exact]


WEIGHTS = _weights()


def weights_hash():
    return blake3(b"".join(map(u32.encode, WEIGHTS[:NO_WEIGHT])))


def seed_of_text(text):
    return h("sample-seed", text.encode())


def drawn_below(n, seed, place):
    i = 0
    while True:
        data = xof("sample", seed + u32.encode(place) + u32.encode(i), 8)
        u = int.from_bytes(data, "little")
        if u < 2**64 // n * n:
            return u % n
        i += 1


def _penalised(logit, penalty):
    return 256 * logit // penalty if logit > 0 else logit * penalty // 256


def choice(logits, per_nat, options, place, seen):
    """The token at a place of an answer; `seen` holds tokens of the input and the answer, without stops."""
    penalty, t = options["penalty"], options["temperature"]
    logits = [_penalised(x, penalty) if v in seen else x for v, x in enumerate(logits)]
    order = sorted(range(len(logits)), key=lambda v: (-logits[v], v))
    if not t:
        return order[0]

    def weight(v):
        x = 16384 * (logits[order[0]] - logits[v]) // (per_nat * t)
        return WEIGHTS[min(x, NO_WEIGHT)]

    first = order[: options["topK"] or len(order)]
    least = -(-options["topP"] * sum(map(weight, first)) // 65536)
    kept, total = [], 0
    for v in first:
        if total >= least:
            break
        kept.append(v)
        total += weight(v)
    d = drawn_below(total, options["seed"], place)
    for v in kept:
        d -= weight(v)
        if d < 0:
            return v
    raise AssertionError("a draw beyond the weights")

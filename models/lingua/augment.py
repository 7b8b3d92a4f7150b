"""What people do to texts: cut, shout, whisper, leave out marks; and what is no text at all."""
import unicodedata

ENDINGS = ("!", "!!", "...", " :)", " :D", "?", " 😂", " 🙏", "…", " ❤️", ";)", " xD", " 👍")
SYMBOLS = "0123456789 .,:;-+*/=()%€$#@!?&_<>[]{}|~^'\""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "asdf", "jkl", "йцукенгшщз", "фывапролдж")

def bare(text):
    """Latin letters without their marks, as on a foreign keyboard; other scripts stay."""
    if any(ord(c) > 0x250 and c.isalpha() for c in text): return text
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))

def cut(text, rng, room):
    """A random window of words (or letters where words are few) of about `room` letters at most."""
    words = text.split(" ")
    long = len(text) > room
    if len(words) > 3 and (long or rng.random() < 0.5):
        n = rng.randint(3, len(words)); s = rng.randint(0, len(words) - n)
        text = " ".join(words[s : s + n])
    elif len(words) <= 3 and len(text) > 12 and (long or rng.random() < 0.4):
        n = rng.randint(6, len(text)); s = rng.randint(0, len(text) - n)
        text = text[s : s + n]
    return text[:room].strip()

def vary(text, rng, label):
    if rng.random() < 0.25: text = text.lower()
    elif rng.random() < 0.05: text = text.upper()
    # Without its marks a text can be another language's: seldom.
    if rng.random() < 0.04 and label not in ("none",): text = bare(text)
    if rng.random() < 0.2: text = text.rstrip(".!?。！？…")
    if rng.random() < 0.06: text = "".join(c for c in text if c.isalnum() or c in " '’")
    if rng.random() < 0.08: text = text.rstrip(".。") + rng.choice(ENDINGS)
    if rng.random() < 0.03: text = f"{rng.randint(0, 2030)} {text}"
    return text

def junk(rng):
    """Digits, symbols, keys at random: no language."""
    n = rng.randint(1, 40)
    kind = rng.random()
    if kind < 0.35: return "".join(rng.choice(SYMBOLS) for _ in range(n))
    if kind < 0.55: return "".join(rng.choice(LETTERS) for _ in range(n))
    if kind < 0.7: return " ".join("".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 9))) for _ in range(rng.randint(1, 6)))
    if kind < 0.8: return rng.choice(KEYS)[: rng.randint(3, 10)] * rng.randint(1, 4)
    if kind < 0.88: return rng.choice(LETTERS) * rng.randint(1, 20)
    if kind < 0.94: return "".join(chr(rng.randint(0x1F300, 0x1F64F)) for _ in range(rng.randint(1, 8)))
    return "".join(rng.choice("0123456789abcdef") for _ in range(rng.randint(6, 64)))

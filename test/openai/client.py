"""OpenAI's client for Python and LangChain's, against a node: base URL, key, language model, encoder."""
import sys

from langchain_openai import OpenAIEmbeddings
from openai import AuthenticationError, BadRequestError, NotFoundError, OpenAI

url, key, chat, encoder = sys.argv[1:5]
client = OpenAI(base_url=url, api_key=key, max_retries=0)
ask = dict(model=chat, messages=[{"role": "user", "content": "What is a pile?"}], max_tokens=16, seed=7)


def check(name, run):
    try:
        run()
        print("passed", name)
    except Exception as e:  # Each check is told, whatever it fails with.
        print("failed", name, repr(e))


def models():
    assert chat in [model.id for model in client.models.list()]
    assert client.models.retrieve(encoder).id == encoder


def chats():
    whole = client.chat.completions.create(**ask)
    assert whole.choices[0].finish_reason in ("stop", "length")
    assert 0 < whole.usage.completion_tokens <= 16
    again = client.chat.completions.create(**ask)
    assert again.choices[0].message.content == whole.choices[0].message.content
    parts = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert text == whole.choices[0].message.content
    assert parts[-1].usage == whole.usage and parts[-1].choices == []
    assert [p.choices[0].finish_reason for p in parts if p.choices][-1] == whole.choices[0].finish_reason


def goes_on():
    told = client.chat.completions.create(**ask).choices[0].message
    further = [*ask["messages"], told, {"role": "user", "content": "And then?"}]
    assert client.chat.completions.create(**{**ask, "messages": further}).usage.prompt_tokens > 0


def embeddings():
    texts = ["The file does not exist.", "No such file", "Il gatto dorme"]
    base64 = client.embeddings.create(model=encoder, input=texts)
    floats = client.embeddings.create(model=encoder, input=texts, encoding_format="float")
    for a, b in zip(base64.data, floats.data, strict=True):
        assert len(a.embedding) == len(b.embedding) > 0
        assert all(abs(x - y) < 1e-7 for x, y in zip(a.embedding, b.embedding))
        assert abs(sum(x * x for x in b.embedding) - 1) < 1e-5


def refusals():
    for error, call, code in [
        (NotFoundError, lambda: client.chat.completions.create(**{**ask, "model": "none"}), "MODEL_MISSING"),
        (BadRequestError, lambda: client.embeddings.create(model=encoder, input=[[1, 2]]), "INPUT_TOKENS"),
        (BadRequestError, lambda: client.embeddings.create(model=encoder, input="a", dimensions=8), "DIMENSIONS_FIXED"),
        (AuthenticationError, lambda: client.with_options(api_key="x" * 20).chat.completions.create(**ask), "API_KEY_WRONG"),
    ]:
        try:
            call()
        except error as e:
            assert e.code == code, e.code
        else:
            raise AssertionError(f"no {code}")


def langchain():
    own = OpenAIEmbeddings(model=encoder, base_url=url, api_key=key, check_embedding_ctx_length=False)
    near, same, far = own.embed_documents(["No such file", "The file does not exist.", "Il gatto dorme"])
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    assert dot(near, same) > dot(near, far)
    assert own.embed_query("No such file") == near


CHECKS = [models, chats, goes_on, embeddings, refusals, langchain]
for run in CHECKS:
    check(f"python: {run.__name__}", run)

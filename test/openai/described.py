"""Hooks of schemathesis: the models of the node, and which refusals are of what a body means."""
import itertools

import schemathesis

ADDRESSES = itertools.count(1)
NAMES = {"/v1/chat/completions": "chatty", "/v1/embeddings": "minilm", "/v1/infer": "minilm"}
# Of a body that the description allows: no schema says what a text means to a model, or two fields to each other.
MEANT = {"INPUT_EMPTY", "INPUT_LONG", "INPUT_CONTROL", "DIMENSIONS_FIXED"}
OF_TWO = {"stream_options", "max_completion_tokens"}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    model = case.body.get("model") if isinstance(case.body, dict) else None
    if isinstance(model, str) and 0 < len(model) <= 80:
        case.body["model"] = NAMES[case.operation.path]
    # An address of its own: how many calls one may make is no part of this.
    address = "10.%d.%d.%d" % tuple(next(ADDRESSES).to_bytes(3, "big"))
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address}


@schemathesis.check
def refused_by_its_meaning(ctx, response, case):
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        error = response.json()["error"]
        assert error["code"] in MEANT or error["param"] in OF_TWO, error

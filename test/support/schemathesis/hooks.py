"""What Schemathesis cannot know of this API: values of its own scalars, and which answers are faults of the gateway."""

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

schemathesis.graphql.scalar(
    "DateTime",
    st.one_of(st.datetimes().map(lambda time: f"{time.isoformat()}Z"), st.text(max_size=40)).map(nodes.String),
)
schemathesis.graphql.scalar("SafeInt", st.integers(-(2**54), 2**54).map(nodes.Int))

GRAPHS = [
    "{}",
    "[]",
    "null",
    '{n: {class_type: "SaveImage", inputs: {}}}',
    '{n: {class_type: "KSampler", inputs: {seed: 18446744073709551615, model: ["m", 0]}}, m: {class_type: 5}}',
    '{n: {class_type: "SaveImage", inputs: {images: ["n", 0]}}}',
    '{nodes: [], links: [], version: 0.4}',
    '{nodes: [{id: 1, type: "KSampler", inputs: [{link: 2}]}], links: [[2, 1, 0, 1, 0, "IMAGE"]]}',
]
schemathesis.graphql.scalar(
    "JSON",
    st.one_of(
        st.sampled_from(GRAPHS).map(graphql.parse_value),
        st.text(max_size=100).map(nodes.String),
        st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float),
    ),
)


@schemathesis.check
def no_fault_of_the_gateway(ctx, response, case):
    assert response.status_code < 500, f"{response.status_code}: {response.text[:1000]}"
    answer = response.json()
    assert isinstance(answer, dict) and ("data" in answer or "errors" in answer), response.text[:1000]
    for error in answer.get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert code not in (None, "INTERNAL"), response.text[:1000]

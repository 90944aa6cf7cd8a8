"""What the strategies of all families share; and what everybody does with a message."""

from __future__ import annotations

from hypothesis import strategies as st

from IGTLMetaBrowserLib import codec


def texts(size: int) -> st.SearchStrategy[str]:
    """Texts of up to ``size`` bytes: in any language, or bytes that are no text at all."""
    noise = st.binary(max_size=size).map(lambda data: data.replace(b"\0", b""))
    return st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=size).map(
            lambda text: codec.cut_text(text, size)
        ),
        noise.map(lambda data: data.decode("utf-8", "surrogateescape")),
        st.just("x" * size),
    )


def float32s() -> st.SearchStrategy[float]:
    """Numbers of the wire; not NaN, which equals nothing."""
    return st.floats(width=32, allow_nan=False)


TIMESTAMPS = st.integers(0, (1 << 64) - 1).map(codec.Timestamp)
UINT8 = st.integers(0, 0xFF)
UINT16 = st.integers(0, 0xFFFF)
POINTS = st.tuples(float32s(), float32s(), float32s())
COLORS = st.tuples(UINT8, UINT8, UINT8, UINT8)
VERSION_1 = st.fixed_dictionaries({"header_version": st.just(1)})
VERSION_2 = st.fixed_dictionaries(
    {
        "header_version": st.just(2),
        "message_id": st.integers(0, 0xFFFFFFFF),
        "metadata": st.dictionaries(texts(40), texts(60), max_size=4),
    }
)
HEADERS = st.tuples(
    st.fixed_dictionaries({"device_name": texts(20), "timestamp": TIMESTAMPS}),
    VERSION_1 | VERSION_2,
).map(lambda parts: {**parts[0], **parts[1]})


def with_header(
    message_class: type[codec.Message], **fields: st.SearchStrategy
) -> st.SearchStrategy[codec.Message]:
    """Messages of one class, with any header."""
    contents = st.fixed_dictionaries(fields)
    return st.builds(lambda content, header: message_class(**content, **header), contents, HEADERS)

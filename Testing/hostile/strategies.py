"""Messages of every type with any content, for hypothesis; and what everybody does with one."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

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
UINT16 = st.integers(0, 0xFFFF)
POINTS = st.tuples(float32s(), float32s(), float32s())
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

IMAGE_META_ITEMS = st.builds(
    codec.ImageMetaItem,
    name=texts(64),
    id=texts(20),
    modality=texts(32),
    patient_name=texts(64),
    patient_id=texts(64),
    scan_time=TIMESTAMPS,
    size=st.tuples(UINT16, UINT16, UINT16),
    scalar_type=st.integers(0, 255),
)
TRAJECTORY_ITEMS = st.builds(
    codec.TrajectoryItem,
    name=texts(64),
    group=texts(32),
    type=st.integers(-128, 127),
    rgba=st.tuples(*[st.integers(0, 255)] * 4),
    entry=POINTS,
    target=POINTS,
    diameter=float32s(),
    owner=texts(20),
)


@st.composite
def images(draw: st.DrawFn) -> codec.ImageMessage:
    """Draw an image: of any type and byte order, scalar or vector, whole or a part."""
    scalar_type = draw(st.sampled_from(codec.ScalarType))
    shape = draw(st.tuples(*[st.integers(0, 4)] * 3))
    if draw(st.booleans()):
        shape = (*shape, draw(st.integers(2, 4)))
    fill = st.floats(allow_nan=False, width=32) if scalar_type.dtype.kind == "f" else None
    pixels = draw(numpy_st.arrays(scalar_type.dtype, shape, elements=fill))
    size, offset = None, (0, 0, 0)
    if draw(st.booleans()):
        offset = draw(st.tuples(*[st.integers(0, 9)] * 3))
        beyond = draw(st.tuples(*[st.integers(1, 9)] * 3))
        parts = zip(offset, shape[2::-1], beyond, strict=True)
        size = tuple(before + count + after for before, count, after in parts)
    return codec.ImageMessage(
        pixels,
        draw(numpy_st.arrays(np.float64, (3, 4), elements=float32s())),
        draw(st.sampled_from(codec.Coordinates)),
        draw(st.booleans()),
        size,
        offset,
        **draw(HEADERS),
    )


def with_header(
    message_class: type[codec.Message], **fields: st.SearchStrategy
) -> st.SearchStrategy[codec.Message]:
    """Messages of one class, with any header."""
    contents = st.fixed_dictionaries(fields)
    return st.builds(lambda content, header: message_class(**content, **header), contents, HEADERS)


QUERY_CLASSES = (codec.GetMessage, codec.StartMessage, codec.StopMessage, codec.ReturnMessage)

MESSAGES = st.one_of(
    with_header(codec.ImageMetaMessage, items=st.lists(IMAGE_META_ITEMS, max_size=3)),
    with_header(codec.TrajectoryMessage, items=st.lists(TRAJECTORY_ITEMS, max_size=3)),
    with_header(
        codec.StatusMessage,
        code=UINT16,
        subcode=st.integers(-1 << 63, (1 << 63) - 1),
        error_name=texts(20),
        message=texts(100),
    ),
    images(),
    *(
        with_header(query_class, data_type=texts(8), content=st.binary(max_size=50))
        for query_class in QUERY_CLASSES
    ),
    with_header(
        codec.UnknownMessage,
        data_type=texts(10).map(lambda name: "X" + name),
        content=st.binary(max_size=200),
    ),
)


def read(data: bytes, check_crc: bool = True) -> bool:
    """Read and use a message; return whether it could be read.

    Only ``DecodeError`` is caught: anything else that a message makes the codec raise is a bug.
    """
    try:
        message = codec.unpack(data, check_crc)
    except codec.DecodeError as error:
        reason = str(error)
    else:
        use(message)
        return True
    assert reason.isprintable()
    return False


def use(message: codec.Message) -> None:
    """Look at all that was read, and send it on: nothing in it may raise."""
    repr(message)
    message.timestamp.to_datetime()
    if isinstance(message, (codec.ImageMetaMessage, codec.TrajectoryMessage)):
        assert len(list(message.items)) == len(message.items) == len(message.items.records)
    if isinstance(message, codec.ImageMessage):
        assert message.pixels.flags.aligned
        with np.errstate(invalid="ignore"):  # a peer may send a matrix of infinities
            message.ijk_to_ras()
    data = codec.pack(message)
    assert codec.pack(codec.unpack(data)) == data

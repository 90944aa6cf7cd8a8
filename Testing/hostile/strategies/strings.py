"""STRING: texts, and bytes in any encoding or none."""

from __future__ import annotations

from hypothesis import strategies as st

from hostile.strategies.common import HEADERS, UINT16, texts, with_header
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import charset

KNOWN_ENCODINGS = st.sampled_from([3, 4, 17, 38, 39, 106, 113, 1013, 1014, 1015, 2252])


@st.composite
def received_strings(draw: st.DrawFn) -> codec.StringMessage:
    """Draw a message as it is after it was read from any bytes."""
    encoding = draw(KNOWN_ENCODINGS | UINT16)
    string = charset.decode(draw(st.binary(max_size=100)), encoding)
    return codec.StringMessage(string, encoding, **draw(HEADERS))


MESSAGES = [with_header(codec.StringMessage, string=texts(200)), received_strings()]

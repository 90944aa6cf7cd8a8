"""A whole conversation with a server: connect, list, fetch two images, trajectories, push.

Whatever the network does, each part of it ends as the truth or with an error in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from helpers.patience import HangError, Patience
from helpers.peers import TRAJECTORY, make_image, wait_for_socket
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import known_servers
from IGTLMetaBrowserLib.net.server.thumbnails import planes_of

SECONDS = 20.0
TIMEOUTS = {"answer_timeout": 0.25, "connect_timeout": 1.0}
# Where nothing gets lost on the way, however busy the machine is.
LONG_TIMEOUTS = {"answer_timeout": 60.0, "connect_timeout": 60.0}
# One bit tells these ids apart. Of another size each, as images of a clinic are.
IMAGES = {
    "CT1": make_image(1, (4, 3, 2), "CT1"),
    "CT3": make_image(100, (5, 3, 2), "CT3"),
}
# Turned, and each elsewhere: a volume without its geometry, or with another's, is noticed.
for _number, _image in enumerate(IMAGES.values()):
    _image.matrix = np.array(
        [[0.0, 0.0, 2.0, 10.0], [-0.5, 0.0, 0.0, -20.0 * _number], [0.0, 0.75, 0.0, 30.0]]
    )
PARTS = [
    codec.GetImagePartMessage(stride=(2, 2, 1), device_name="CT1"),
    codec.GetImagePartMessage(
        start=(0, 0, 1), encodings=(codec.PartEncoding.ZIGZAG_DELTAS,), device_name="CT3"
    ),
]
METADATA = {"Modality": "CT", "SeriesDescription": "Kopf nativ"}
PUSHED = replace(TRAJECTORY, name="Pushed")


class Archive:
    """A source of two images with metadata, and a trajectory; ``received`` was pushed to it."""

    def __init__(self) -> None:
        self.received: list[codec.Message] = []

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the list."""
        return [
            codec.ImageMetaItem(f"Image {id_}", id_, size=image.whole_size, scalar_type=5)
            for id_, image in IMAGES.items()
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image, or refuse."""
        if image_id not in IMAGES:
            raise net.SourceError(f"there is no image {image_id!r} here")
        return IMAGES[image_id]

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the trajectory."""
        return [TRAJECTORY]

    def metadata(self, image_id: str) -> dict[str, str]:
        """Return the same for all."""
        return dict(METADATA)

    def receive(self, message: codec.Message) -> None:
        """Keep what is pushed."""
        self.received.append(message)


def check_image(image_id: str, image: codec.ImageMessage) -> None:
    """Fail if it is not the image of that id."""
    truth = IMAGES[image_id]
    assert np.array_equal(image.pixels, truth.pixels), f"wrong voxels under {image_id}"
    assert np.array_equal(image.matrix, truth.matrix), f"wrong geometry under {image_id}"
    assert image.metadata.items() <= METADATA.items() or image.metadata.items() >= METADATA.items()


def check_part(request: codec.GetImagePartMessage, part: codec.ImagePartMessage) -> None:
    """Fail if it is not the part of the image that was asked for."""
    truth = IMAGES[request.device_name]
    i, j, k = (
        slice(start, None, step) for start, step in zip(request.start, request.stride, strict=True)
    )
    assert np.array_equal(part.voxels(), truth.pixels[k, j, i]), "wrong voxels in a part"
    assert np.array_equal(part.matrix, truth.matrix), "wrong geometry of a part"


def check_thumbnail(image_id: str, thumbnail: codec.ThumbnailMessage) -> None:
    """Fail if it is not that of the image."""
    truth = [*planes_of(IMAGES[image_id], METADATA["Modality"])]
    assert thumbnail.planes == truth, "a wrong thumbnail"


def check_list(items: Sequence[codec.ImageMetaItem]) -> None:
    """Fail if it is not the list."""
    assert [(item.id, item.size) for item in items] == [
        (id_, image.whole_size) for id_, image in IMAGES.items()
    ]


def converse(port: int, host: str = "127.0.0.1", **options: Any) -> list[str]:
    """Have the conversation as scripts do; return the errors that ended parts of it, in words."""
    known_servers.clear()
    patience = Patience(SECONDS)
    errors = []
    options = {**TIMEOUTS, **options}
    with net.Client(host, port, **options) as client:
        parts: list[Callable[[], None]] = [
            lambda: check_list(client.list_images()),
            *(lambda id_=id_: check_image(id_, client.get_image(id_)) for id_ in IMAGES),
            lambda: check_trajectories(client.get_trajectories()),
            lambda: client.send(codec.TrajectoryMessage([PUSHED], device_name="Tests")),
            # To know that what was pushed has arrived, if the connection stands.
            lambda: check_trajectories(client.get_trajectories()),
            *(lambda one=one: check_part(one, client.get_image_part(one)) for one in PARTS),
            lambda: check_thumbnail("CT3", client.get_thumbnail("CT3")),
        ]
        for part in parts:
            try:
                part()
            except net.NetworkError as error:
                errors.append(str(error))
    assert all(errors), "an error without words"
    if patience.is_over:
        raise HangError("it ended, but late")
    return errors


def check_trajectories(items: Sequence[codec.TrajectoryItem]) -> None:
    """Fail if they are not the server's."""
    assert list(items) == [TRAJECTORY]


def check_received(messages: Sequence[codec.Message]) -> None:
    """Fail if other trajectories were received than were pushed. A query whose type is damaged is a
    message of another type.
    """
    for message in messages:
        if not isinstance(message, codec.TrajectoryMessage):
            continue
        assert list(message.items) == [PUSHED]


def browse(
    browser: Any,
    port: int,
    wait: Callable[[Any], None] = wait_for_socket,
    with_thumbnails: bool = False,
    **options: Any,
) -> list[str]:
    """Have the conversation as a window does; return what failed, in words.

    ``wait`` is called with the browser until it has something to do.
    """
    from IGTLMetaBrowserLib.browser.errors import BrowserError
    from IGTLMetaBrowserLib.browser.events import Failed, ListUnanswered, TrajectoriesShown

    known_servers.clear()
    failed: list[str] = []
    shown: list[Any] = []
    browser.add_observer(lambda event: failed.append(str(event.error)), (Failed, ListUnanswered))
    browser.add_observer(shown.append, TrajectoriesShown)
    options = {**TIMEOUTS, "reconnect_delays": (0.005,), **options}
    browser.connect("127.0.0.1", port, **options)
    patience = Patience(SECONDS)
    for part in _parts(browser, with_thumbnails):
        try:
            part()
        except (net.NetworkError, BrowserError) as error:  # it has left the server
            failed.append(str(error))
        _finish(browser, patience, wait)
    assert all(failed), "a failure without words"
    words = failed + _check_scene(browser)
    if not words:
        states = [browser.images.states.of(image_id).status.name for image_id in IMAGES]
        assert states == ["LOADED"] * len(IMAGES), f"neither loaded nor failed: {states}"
        assert shown, "no trajectories, and no word of it"
    return words


def _parts(browser: Any, with_thumbnails: bool) -> list[Callable[[], Any]]:
    """Return what is asked for and sent, one after the other."""
    return [
        browser.images.request_list,
        lambda: browser.thumbnails.want(IMAGES if with_thumbnails else ()),
        lambda: browser.request_images(IMAGES),
        browser.trajectories.request,
        lambda: browser.connection.send(codec.TrajectoryMessage([PUSHED], device_name="Tests")),
        browser.trajectories.request,
    ]


def _finish(browser: Any, patience: Patience, wait: Callable[[Any], None]) -> None:
    """Let a browser do all that it has to do."""
    while browser.connection.has_server and not is_done(browser):
        if patience.is_over:
            raise HangError("the browser still has something to do")
        wait(browser)
        browser.step()


def is_done(browser: Any) -> bool:
    """Whether all that was asked for has ended."""
    is_busy = browser.trajectories.is_showing or browser.images.downloads.current or browser.queue
    is_busy = is_busy or browser.thumbnails.is_asking or browser.thumbnails.is_busy
    return not is_busy and not browser.connection.is_waiting and not _is_reconnecting(browser)


def _is_reconnecting(browser: Any) -> bool:
    return browser.connection.next_attempt is not None


def _check_scene(browser: Any) -> list[str]:
    """Fail if a node is not as its image, or the line not as the trajectory; return the reasons."""
    reasons = []
    for image_id, truth in IMAGES.items():
        state, node = browser.images.states.of(image_id), browser.images.node(image_id)
        if node is not None:
            _check_volume(node, truth)
        if (thumbnail := browser.thumbnails.get(image_id)) is not None:
            check_thumbnail(image_id, thumbnail)
        if state.reason:
            reasons.append(state.reason)
        elif browser.connection.has_server:
            assert state.status.name in ("LOADED", "NOT_LOADED"), (image_id, state)
    return reasons


def _check_volume(node: Any, truth: codec.ImageMessage) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    scalars = node.GetImageData().GetPointData().GetScalars()
    assert np.array_equal(vtk_to_numpy(scalars), truth.pixels.ravel()), truth.device_name
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    rows = [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]
    assert np.allclose(rows, truth.ijk_to_ras(), atol=1e-5), f"elsewhere: {truth.device_name}"

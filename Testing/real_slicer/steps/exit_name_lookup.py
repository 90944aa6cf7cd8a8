"""Slicer ends with 0 while a name server is being asked."""

import socket

from real_slicer.steps.bench_name_server import silent_look_up
from real_slicer.user import User


def run(step):
    user = User(step)
    yield from user.open()
    socket.getaddrinfo = silent_look_up
    user.type(user.ui.hostLineEdit, "no-such-server.example")
    user.press(user.ui.connectButton)
    yield step.pause(0.5)

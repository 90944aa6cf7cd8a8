"""TLS: a certificate that is not trusted is shown, trusted once, and remembered; a CA file."""

from real_slicer.servers import ServerProcess, certificate_file
from real_slicer.user import User
from real_slicer.views import four_up, screenshot


def run(step):
    user = User(step)
    server = ServerProcess("phantom_with_tls")
    step.at_end(certificate_file().unlink)
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    type_address(user, server.port)
    user.check(user.ui.tlsCheckBox)
    yield from screenshot(step, "1-fields")
    yield from trust(step, user)
    yield from name_authority(step, user)


def type_address(user, port):
    user.type(user.ui.hostLineEdit, "127.0.0.1")
    user.type(user.ui.portSpinBox, str(port))


def trust(step, user):
    ui = user.ui
    user.press(ui.connectButton)
    yield user.until(lambda: ui.certificateWidget.visible, "the question about the certificate")
    user.bring_into_view(ui.connectButton)
    yield from screenshot(step, "2-question")
    user.press(ui.trustButton)
    yield user.until_listed()
    yield from user.load("DEMO_MR")
    yield from screenshot(step, "3-trusted")
    user.press(ui.connectButton)
    yield user.until(lambda: not user.browser.connection.has_server, "the end of the connection")
    user.press(ui.connectButton)  # it is not asked again
    yield user.until_listed()
    step.check(not ui.certificateWidget.visible, "the certificate is asked about again")
    user.bring_into_view(ui.forgetCertificateButton)
    yield from screenshot(step, "4-remembered")
    user.press(ui.connectButton)


def name_authority(step, user):
    ui = user.ui
    user.press(ui.forgetCertificateButton)
    ui.tlsAuthorityPathLineEdit.currentPath = str(certificate_file())
    user.press(ui.connectButton)
    yield user.until_listed()
    step.check(not ui.certificateWidget.visible, "the certificate is asked about")
    user.press(ui.connectButton)
    yield step.pause(0.2)

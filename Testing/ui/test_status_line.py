"""Messages to the user: sentences, wherever they can be seen."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib import net


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the list came.", "The list came."),
        ("tiger.local:18944 refused the connection.", "tiger.local:18944 refused the connection."),
        ("127.0.0.1:1 did not answer.", "127.0.0.1:1 did not answer."),
        ("[::1]:1 did not answer.", "[::1]:1 did not answer."),
        ("is the server running?.", "Is the server running?"),
        ("slices are missing..", "Slices are missing."),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_a_name_stands_there(user, text, shown):
    user.panel.status.show("{sentence}", sentence=text)
    assert user.status == shown


def test_the_name_of_the_server_stays_as_it_is(user, small_server):
    user.connect_to(small_server, host="localhost")
    user.wait_for_status("offers 4 images")
    assert user.status == f"localhost:{small_server} offers 4 images."
    user.panel.status.show("localhost is busy.")
    assert user.status == "localhost is busy."


def test_an_error_after_a_result_is_a_sentence_of_its_own(user):
    user.panel.status.showResult("7 images are loaded.")
    user.panel.status.showError(ValueError("the connection was lost"))
    assert user.status == "7 images are loaded. The connection was lost."


def test_messages_are_in_the_status_bar_while_the_panel_is_out_of_sight(user):
    in_status_bar = user.module.window.statusBar().currentMessage
    user.module.window.hide()
    user.panel.status.show("the list came.")
    assert in_status_bar() == "The list came."
    user.module.window.show()
    user.wait_for(lambda: not user.ui.statusLabel.visibleRegion().isEmpty(), "the label")
    user.panel.status.show("an image came.")
    assert in_status_bar() == ""


def test_the_status_bar_does_not_say_the_same_when_the_module_is_entered_again(user):
    in_status_bar = user.module.window.statusBar().currentMessage
    user.module.window.hide()
    user.panel.status.show("the list came.")
    user.module.window.show()
    user.module.widget.enter()
    assert (in_status_bar(), user.status) == ("", "The list came.")


def test_the_status_bar_does_not_say_for_ever_what_a_panel_was_doing_when_it_was_closed(user):
    in_status_bar = user.module.window.statusBar().currentMessage
    user.module.window.hide()
    user.panel.status.show("loading 'Head' …")
    assert in_status_bar() == "Loading 'Head' …"
    user.module.reload()
    assert in_status_bar() == ""


def test_a_new_panel_leaves_what_others_say_in_the_status_bar(user):
    """The window says elsewhere that nothing is connected, and the module may not be in sight."""
    bar = user.module.window.statusBar()
    bar.showMessage("Another module's message")
    user.module.window.hide()
    user.panel.status.showNothingBut("Not connected.")
    user.module.window.show()
    user.wait_for(lambda: not user.ui.serverCollapsibleButton.visibleRegion().isEmpty(), "it")
    user.panel.status.show("an image came.")
    assert bar.currentMessage() == "Another module's message"


def test_what_an_error_advises_is_named_as_in_the_panel(user):
    user.panel.status.showError(net.TimeOutError("no answer; allow more time", "answer_timeout"))
    assert user.status == "No answer; allow more time (Advanced: Answer time-out)."
    user.panel.status.showError(net.AnswerError("allow larger images", "max_body_size"))
    assert user.status == "Allow larger images (Advanced: Largest image)."


def test_a_text_with_braces_is_shown_as_it_is(user):
    user.panel.status.showError(ValueError("what is {this}"))
    assert user.status == "What is {this}."

"""Answers to commands."""

import pytest
from pydantic import ValidationError

from services.events import canonical
from services.events.command import CommandResult


def test_an_answer_names_its_command_and_says_why() -> None:
    answer = CommandResult(command="c-1", state="refused", detail=" expired\n")
    assert canonical(answer) == {"command": "c-1", "state": "refused", "detail": "expired"}


@pytest.mark.parametrize(
    "changed", [{"state": "perhaps"}, {"command": ""}, {"command": "x" * 65}, {"detail": "x" * 201}]
)
def test_an_answer_that_is_none_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CommandResult.model_validate({"command": "c-1", "state": "done"} | changed)

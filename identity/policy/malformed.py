"""The one refusal of policy text: what was wrong, and where in the document."""


class MalformedPolicy(ValueError):
    """A policy document that cannot be accepted.

    `detail` names the wrong value and what was allowed. `path` is the JSON path of the element, such as
    `$.Statement[0].Action[1]`.
    """

    def __init__(self, detail: str, path: str = "$") -> None:
        self.detail = detail
        self.path = path
        super().__init__(f"{path}: {detail}")


class NotJson(MalformedPolicy):
    """A text that is no JSON at all."""

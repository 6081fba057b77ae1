"""What a training says when it is given something that cannot be learned from."""


class TrainError(ValueError):
    """Input that cannot be learned from; the message says what was expected and found."""

"""Wrong answers to each lesson's exercises: {exercise: {what it tries: (source, message words)}}."""


def but(exercise, changed: dict) -> str:
    """The solution of an exercise that asks for words, with some of them changed."""
    solution = exercise.solution().message
    return f"{solution}\nanswer = {solution.partition(' = ')[0]} | {changed!r}\n"

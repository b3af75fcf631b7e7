"""The questions of lesson 1, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

same_tensor = Question(
    "`x = torch.ones(4)`, then `y = x`, then `y += 1`. What does `x` hold now?",
    {
        "Ones: `y = x` made a copy": "`y = x` copies nothing. It gives the same tensor a second name.",
        "Twos: `y` and `x` are one tensor": "Two names, one tensor, one storage. `+=` wrote into it.",
        "Ones: `y += 1` makes a new tensor for `y`": "That is what happens with a Python number. A tensor defines `+=` as a write into its own storage.",
    },
    answer="Twos: `y` and `x` are one tensor",
)

stays_on_its_storage = Question(
    "Which of these leave `x` on the storage it had: `x = x + 1`, `x += 1`, `x.add_(1)`, `x.add(1)`?",
    {
        "`x.add_(1)` only: `x += 1` is short for `x = x + 1`": "For a tensor it is not. `x += 1` calls `x.__iadd__(1)`, which is `add_`.",
        "`x += 1` and `x.add_(1)`": "Those two write. But look at `x.add(1)` again: what happens to its result?",
        "All but `x = x + 1`": "`x.add(1)` makes a new tensor, and this line throws it away. `x` itself stays.",
        "All four": "`x + 1` allocates a storage, and `x =` moves the name to it.",
    },
    answer="All but `x = x + 1`",
)

has_to_copy = Question(
    "`x = torch.arange(6.).reshape(2, 3)`. Which of these has to copy the numbers?",
    {
        "`x[:, 1:]`: its numbers do not lie side by side": "A slice has an offset, a shape and strides of its own. The strides jump over what is left out.",
        "`x.t()`: it changes the order": "It swaps the two strides. No number moves.",
        "`x.reshape(6)`": "The six numbers already lie in that order, so `reshape` returns a view.",
        "`x.t().reshape(6)`": "No fixed stride gives the order 0, 3, 1, 4, 2, 5. So `reshape` copies, without a word.",
    },
    answer="`x.t().reshape(6)`",
)

expanded_write = Question(
    "`row = torch.zeros(2)`, `wide = row.expand(3, 2)`, then `wide.add_(1)`. What happens?",
    {
        "All six elements of `wide` become 1": "There are six elements, but only two numbers: `expand` made a view with a stride of 0.",
        "`row` becomes 3: each number is written three times": "`add_` avoids just that: it refuses to write where elements share a place.",
        "An error: several elements are one place in memory": "Three rows look at the same two numbers, and `add_` refuses to write where elements share a place.",
        "`wide` gets a storage of its own first": "PyTorch has no copy-on-write here. You must ask for the copy with `clone()`.",
    },
    answer="An error: several elements are one place in memory",
)

safe_to_write = Question(
    "Which of `x.clone()`, `x.detach()`, `x.data`, `x.numpy()` is safe to write without changing `x`?",
    {
        "`detach()` and `clone()`: detached means separate": "`detach` drops the gradient history, not the storage. It looks at the same bytes.",
        "`clone()` and `numpy()`: NumPy has memory of its own": "`numpy()` wraps the storage of a CPU tensor. No number is copied.",
        "`clone()` only": "The other three look at the storage of `x`.",
        "`.data` only: it is made for that": "`.data` shares the bytes as well. It even hides the write from the version counter.",
    },
    answer="`clone()` only",
)

peak_of_plus = Question(
    "`x` has a million float32 elements: 4,000,000 bytes. How much is alive at the highest point of `x = x + 1`?",
    {
        "4,000,000 bytes: the old storage is freed": "It is freed only when `=` moves the name. By then the new one has been filled.",
        "8,000,000 bytes": "Old and new storage stand side by side until the name has moved.",
        "12,000,000 bytes: x, the result and a temporary": "`x + 1` writes straight into the new storage. It needs no third one.",
    },
    answer="8,000,000 bytes",
)

mixed_dtypes = Question(
    "`x` is float32, `w` is float64, both of 1,000 elements. What does `x += w` do?",
    {
        "It raises: the dtypes differ": "Adding float64 to float32 is allowed. Adding floats to an integer tensor raises.",
        "It makes `x` a float64 tensor": "`x += w` leaves the dtype of `x` as it is: the result goes into the storage that is there.",
        "It works, and takes no memory": "The result fits, but the sum is computed in float64 first, and that takes memory.",
        "It works, and takes memory inside the call": "Inside, on a CPU, `x` is cast to float64, and the sum is float64 as well: twice 8,000 bytes, more than `x` itself.",
    },
    answer="It works, and takes memory inside the call",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (
    same_tensor,
    stays_on_its_storage,
    has_to_copy,
    expanded_write,
    safe_to_write,
    peak_of_plus,
    mixed_dtypes,
)

"""PyTorch's private functions, all that this package calls: an upgrade is one read of this file.

The idea: every other file takes them from here. Seen in torch 2.6 to 2.15, but where a line
says otherwise; `tools/versions.py` runs the tests on each.
Private attributes of public objects are read where they are needed: `Tensor._version`, `._base`,
`._is_view()`, `Storage._cdata`, `Node._sequence_nr()`, `Node._saved_…`, `Node._raw_saved_…`,
`Module._buffers` and `._modules`; `doctor.elsewhere` and `doctor.watching` replace functions of
`torch.autograd`, `torch.utils.checkpoint` and Dynamo while they watch. `SavedTensor.data` and
`.unpack_hook` are not in 2.6, its `.unpack` is not in 2.11.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch._ops import _len_torch_dispatch_stack_pre_dispatch
from torch.utils._device import DeviceContext as DeviceContext
from torch.utils._python_dispatch import _disable_current_modes, _len_torch_dispatch_stack

#: Inside, no function mode and no tensor class hears of a call; inside the second, no class does.
DisableTorchFunction: Any = torch._C.DisableTorchFunction
DisableTorchFunctionSubclass: Any = torch._C.DisableTorchFunctionSubclass
#: () → the number of the next node that autograd makes in this thread.
next_node: Any = torch._C._autograd._get_sequence_nr
#: Where autograd's entry into C++ stands: `torch.autograd` looks it up there at each backward.
ENGINE = (torch.autograd, "_engine_run_backward")
#: The module that `torch.compile` loads.
DYNAMO = "torch._dynamo"

#: (tensor) → which storage it looks at, as a number; refuses a tensor that has none.
storage_id: Any = getattr(torch._C, "_storage_id", lambda tensor: tensor.untyped_storage()._cdata)
#: () → is a transform of torch.func running? (tensor) → is it wrapped by one? what is inside?
transforming: Any = torch._C._are_functorch_transforms_active
is_wrapped: Any = torch._C._functorch.is_functorch_wrapped_tensor
unwrapped: Any = torch._C._functorch.get_unwrapped
#: The classes whose calls run TorchScript.
SCRIPTS: Any = (torch._C.ScriptFunction, torch._C.ScriptMethod)
#: ("aten::add_(Tensor(a!) self, …) -> Tensor(a!)") → the schema, taken apart.
parsed_schema: Any = torch._C.parse_schema
#: () → how many function modes are on in this thread. (index) → which.
modes_on: Any = torch._C._len_torch_function_stack
mode_at: Any = torch._C._get_function_stack_at

#: (mode) put on above all; () → the highest, taken off. A default device's must stay the lowest.
push_mode: Any = torch._C._push_on_torch_function_stack
pop_mode: Any = torch._C._pop_torch_function_stack
#: ("aten::add_") → the schemas of that operator; [] for none.
schemas_of: Any = torch._C._jit_get_schemas_for_operator

#: Can a save be asked for its tensor? Not up to 2.9; there the broken one is found by its versions.
SHOWS_SAVES: bool = hasattr(torch._C._autograd.SavedTensor, "data")

#: (pack, unpack) on, in this thread. () the newest off. (ignore_is_tracing) → the newest, or None.
push_hooks: Any = torch._C._autograd._push_saved_tensors_default_hooks
pop_hooks: Any = torch._C._autograd._pop_saved_tensors_default_hooks
#: Not in 2.6, which cannot say which hooks are on top.
_top_hooks: Any = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
#: Where those forbid hooks who cannot work under them, and allow them again: looked up there.
FORBID_HOOKS = (torch._C._autograd, "_saved_tensors_hooks_disable")
ALLOW_HOOKS = (torch._C._autograd, "_saved_tensors_hooks_enable")

#: The classes of autograd's nodes, and the functions behind `torch.nn.functional`, as modules.
NODES: Any = torch._C._functions
NN: Any = torch._C._nn

# The light profiler: 0.1 ms a call; kineto's takes seconds to start and prints.
# A PyTorch that dropped it has None here: scratch is then not measured.
enable_profiler: Any = getattr(torch.autograd, "_enable_profiler_legacy", None)
disable_profiler: Any = getattr(torch.autograd, "_disable_profiler_legacy", None)
profiler_enabled: Any = torch.autograd._profiler_enabled


def disable_current_modes() -> AbstractContextManager:
    """Inside, no dispatch mode is on. Where none is, PyTorch's own way would load its compiler."""
    if _len_torch_dispatch_stack() or _len_torch_dispatch_stack_pre_dispatch():
        return _disable_current_modes()
    return nullcontext()


def top_hooks() -> Any:
    """(pack, unpack) that a save in this thread goes through, or None."""
    return _top_hooks(False) if _top_hooks else None


@cache
def writes_nothing(name: str) -> bool:
    """Is it a call that can write only into `out`, as the schemas of that operator say?

    Norms declare their running statistics as if they only read them.
    """
    schemas = [] if name.endswith("_norm") else schemas_of(f"aten::{name}")
    return bool(schemas) and not any(s.is_mutable for s in schemas if "out" not in s.overload_name)


def profiler_config() -> Any:
    """The CPU alone, and memory: every allocation and its bytes."""
    return torch.autograd.ProfilerConfig(
        torch.autograd.ProfilerState.CPU,
        False,  # report_input_shapes
        True,  # profile_memory
        False,  # with_stack
        False,  # with_flops
        False,  # with_modules
        torch._C._profiler._ExperimentalConfig(),
    )

"""PyTorch's private functions, all that this package calls: an upgrade is one read of this file.

The idea: every other file takes them from here. Seen in torch 2.6 to 2.15, but where a line
says otherwise; `tools/versions.py` runs the tests on each.
Private attributes of public objects are read where they are needed: `Tensor._version`, `._base`,
`._is_view()`, `Storage._cdata`, `Node._sequence_nr()`, `Node._saved_…`, `Module._buffers` and
`._modules`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import _pop_mode, _push_mode
from torch.utils._device import DeviceContext as DeviceContext
from torch.utils._python_dispatch import _disable_current_modes

#: Inside, no function mode and no tensor class hears of a call; inside the second, no class does.
DisableTorchFunction: Any = torch._C.DisableTorchFunction
DisableTorchFunctionSubclass: Any = torch._C.DisableTorchFunctionSubclass
#: Inside, no mode at all is on.
disable_current_modes = _disable_current_modes

#: () → the number of the next node that autograd makes in this thread.
next_node: Any = torch._C._autograd._get_sequence_nr
#: () → the node that backward is at in this thread.
current_node: Any = torch._C._current_autograd_node
#: Where autograd's entry into C++ stands: `torch.autograd` looks it up there at each backward.
ENGINE = (torch.autograd, "_engine_run_backward")
#: The module that `torch.compile` loads.
DYNAMO = "torch._dynamo"

#: () → how many function modes are on in this thread.
modes_on: Any = torch._C._len_torch_function_stack
#: (mode) put on above all; () → the highest, taken off. A default device's must stay the lowest.
push_mode, pop_mode = _push_mode, _pop_mode
#: ("aten::add_") → the schemas of that operator; [] for none.
schemas_of: Any = torch._C._jit_get_schemas_for_operator

#: (pack, unpack) on, off: of this thread.
push_hooks: Any = torch._C._autograd._push_saved_tensors_default_hooks
pop_hooks: Any = torch._C._autograd._pop_saved_tensors_default_hooks
#: (ignore_tracing) → the latest (pack, unpack) of this thread or None. Not in torch 2.6.
top_hooks: Any = getattr(
    torch._C._autograd, "_top_saved_tensors_default_hooks", lambda ignore_tracing: None
)

#: The classes of autograd's nodes, and the functions behind `torch.nn.functional`, as modules.
NODES: Any = torch._C._functions
NN: Any = torch._C._nn

# The light profiler: 0.1 ms a call; kineto's takes seconds to start and prints.
# A PyTorch that dropped it has None here: scratch is then not measured.
enable_profiler: Any = getattr(torch.autograd, "_enable_profiler_legacy", None)
disable_profiler: Any = getattr(torch.autograd, "_disable_profiler_legacy", None)
profiler_enabled: Any = torch.autograd._profiler_enabled


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

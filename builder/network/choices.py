"""The choices of the fast lowering: for each layer that can be computed in several ways, which one, on which device.

A way that wins on one machine can lose on another. So each choice depends on what is known of the device, gives the
measurements behind it with the machine of each, and is timed against its other options, on whatever machine it is run
on, by `python -m benchmarks lowerings --check`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import tensorflow as tf

from builder.system.cpu import instruction_set

HALF_TYPES = ("bfloat16", "float16")
Option = TypeVar("Option", bound=str | int)


@dataclass(frozen=True)
class Device:
    """What TensorFlow computes on, as far as a choice depends on it.

    Attributes:
        is_cpu: whether all devices of the process are CPUs.
        instruction_set: oneDNN's name for the instruction set that it computes with, such as "AVX2"; None where
            TensorFlow does not use oneDNN.
        half_types: the half-width types that convolutions are computed in with instructions of their own. On a CPU
            without such instructions, or without oneDNN to use them, TensorFlow falls back to Eigen's loops.
    """

    is_cpu: bool
    instruction_set: str | None
    half_types: frozenset[str]


@functools.cache
def device() -> Device:
    """What TensorFlow computes on in this process."""
    is_cpu = all(device.device_type == "CPU" for device in tf.config.list_physical_devices())
    half_types = frozenset(name for name in HALF_TYPES if not is_cpu or _has_instructions(name))
    return Device(is_cpu, instruction_set() if _uses_onednn() else None, half_types)


def _uses_onednn() -> bool:
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:  # the name is not public
        return False
    return bool(IsMklEnabled())


def _has_instructions(half_type: str) -> bool:
    """Whether oneDNN is used, and has instructions for the type on this CPU."""
    try:
        from tensorflow.python.util._pywrap_utils import IsDataTypeSupportedByOneDNNOnThisCPU
    except ImportError:  # the name is not public; without it, trust the type that was asked for
        return True
    return _uses_onednn() and bool(IsDataTypeSupportedByOneDNNOnThisCPU(tf.as_dtype(half_type)))


@dataclass(frozen=True)
class Choice(Generic[Option]):
    """Ways to compute the same, one of which is chosen by the device and the type of the numbers.

    Attributes:
        name: what is computed.
        options: the ways to compute it.
        best: the option for a device, a type such as "float32", and how many numbers the layer computes on; None if
            that is not known, or does not matter.
        measured: the figures behind the choice, each with the machine that it was measured on.
    """

    name: str
    options: tuple[Option, ...]
    best: Callable[[Device, str, int | None], Option]
    measured: str

    def option(self, dtype: tf.DType | str, numbers: int | None = None) -> Option:
        """The option that is used here for numbers of this type, and for so many of them."""
        forced = _forced.get(self.name)
        return self.best(device(), tf.as_dtype(dtype).name, numbers) if forced is None else forced


_forced: dict[str, Any] = {}


@contextlib.contextmanager
def forced(choice: Choice[Option], option: Option) -> Iterator[None]:
    """Takes an option of a choice whatever the device, for what is traced in the meantime: to measure or to test it."""
    if option not in choice.options:
        raise ValueError(f"{choice.name}: expected one of {choice.options}, got {option!r}")
    before = _forced.get(choice.name)
    _forced[choice.name] = option
    try:
        yield
    finally:
        del _forced[choice.name]
        if before is not None:
            _forced[choice.name] = before


def _has_only_avx2(device: Device) -> bool:
    return device.is_cpu and (device.instruction_set or "").startswith("AVX2")


def _is_native_bfloat16(device: Device, dtype: str) -> bool:
    return device.is_cpu and dtype == "bfloat16" and dtype in device.half_types


CONVOLUTION_TYPE = Choice(
    name="type of a convolution in half width",
    options=("its own", "float32"),
    best=lambda device, dtype, numbers: (
        "float32" if dtype in HALF_TYPES and dtype not in device.half_types else "its own"
    ),
    measured="""
    AVX2: the step of a 3x3 convolution takes 5 times as long in float16 as in float32, and 17 times in bfloat16. Only
    that of very few pictures is faster in bfloat16, by 0.1 ms for 2x8x8x16, where waking the threads for oneDNN takes
    longer than the arithmetic in Eigen. But Eigen sums in half width, so float32 is taken there too.
    AMX: ResNet-50 trains 1.6 times as fast in bfloat16 as in float32.
    """,
)
NEVER = 1_000_000_000
GROUPS_TOGETHER = Choice(
    name="least number of groups that one grouped convolution computes",
    options=(1, 16, NEVER),
    best=lambda device, dtype, numbers: (
        1 if not device.is_cpu else 16 if _has_only_avx2(device) and dtype == "float32" else NEVER
    ),
    measured="""
    The grouped convolution is TensorFlow's, which has gradients on a CPU only with oneDNN, and in half width only with
    the instructions for it. Fewer groups are computed apart: by a convolution for each, or for several
    (`GROUP_CHANNELS`), and a concatenation. Keras compiles its groups with XLA.
    AVX2, batch 8, 4 sizes of pictures: together, 2 to 8 groups are 0.66 to 1.03 times as fast as apart, 16 groups 1.17
    to 1.25 times, 32 groups 1.27 to 1.75, 64 groups 3.07. XLA takes 7 times as long as apart for 2 groups, 200 for 32.
    What XLA compiles for a CPU, and files for other programs, therefore have them apart (`groups_apart`).
    AMX: apart, AlexNet with two groups is 4.3 times as fast as Keras's; together was not measured.
    GPUs have a grouped convolution of their own.
    """,
)


def groups_apart() -> contextlib.AbstractContextManager[None]:
    """Computes groups apart, whatever the device, in what is traced in the meantime."""
    return forced(GROUPS_TOGETHER, NEVER)


GROUP_CHANNELS = Choice(
    name="least input channels of a convolution that stands for several groups",
    options=(8, 16, 32),
    best=lambda device, dtype, numbers: 16,
    measured="""
    With fewer, the overhead of a convolution dominates; with more, the zeros of the block-diagonal kernel.
    AVX2, 32 groups of 4 channels: 4 at a time are up to 8 % slower, 8 and 32 up to 27 %.
    """,
)
POINTWISE_WEIGHTS_GRADIENT = Choice(
    name="gradient of the weights of a 1x1 convolution",
    options=("convolution", "matrix product"),
    best=lambda device, dtype, numbers: "matrix product" if _is_native_bfloat16(device, dtype) else "convolution",
    measured="""
    AMX, bfloat16, the shapes of ResNet-50 at batch 16: 1.9 to 2.6 ms as a matrix product, 4.8 to 7.3 ms in oneDNN's
    convolution; the whole step 15.5 to 16.4 images/s. In float32 the two are equal.
    AVX2, float32: between 0.7 and 1.1 times as fast as a matrix product, by shape.
    With a stride, the slices that the product needs cost what it gains (85 ms of a step of 970).
    float16: not measured.
    """,
)
RELU_GRADIENT = Choice(
    name="gradient of ReLU",
    options=("operation", "selection"),
    best=lambda device, dtype, numbers: "selection" if _is_native_bfloat16(device, dtype) else "operation",
    measured="""
    `selection` is where(y > 0, dy, 0).
    AMX: ResNet-50 in bfloat16 16.4 to 17.0 images/s with it, in float32 9.2 to 8.6.
    AVX2, float32: 11.8 ms against 5.8 of TensorFlow's operation, for 16x56x56x256.
    float16: not measured.
    """,
)
GELU_GRADIENT = Choice(
    name="gradient of GELU",
    options=("traced", "closed form"),
    best=lambda device, dtype, numbers: "closed form" if device.is_cpu else "traced",
    measured="""
    The closed form moves less memory than the gradients of its steps one by one.
    AVX2, float32: 30.8 ms against 36.4 for 8x56x56x384.
    AMX: not measured.
    """,
)
LAYER_NORM = Choice(
    name="layer normalisation",
    options=("traced", "closed form"),
    best=lambda device, dtype, numbers: "closed form" if device.is_cpu else "traced",
    measured="""
    The closed form of the gradient moves less memory, and its means over the channels are matrix products.
    AVX2, float32: 9.2 ms against 14.0 for 8x56x56x96, and 3.5 against 4.6 for 8x14x14x384.
    AMX: not measured.
    """,
)
BATCH_NORM = Choice(
    name="batch normalisation",
    options=("fused", "traced"),
    best=lambda device, dtype, numbers: (
        "traced" if device.is_cpu and dtype == "float32" and numbers is not None and numbers <= 32_768 else "fused"
    ),
    measured="""
    `traced` is Keras's own: mean, variance and scaling as separate operations, which it leaves to XLA to join.
    AVX2, float32: for few numbers the waking of threads for oneDNN takes longer than the arithmetic: 587 us fused and
    235 traced for 2x8x8x16, 554 and 319 for 2x16x16x64, 850 and 757 for 64x8x8x16, 817 and 1317 for 2x32x32x64.
    In bfloat16 the casts of the traced operations take what they gain.
    AVX2: ResNet-50 in float32 is 1.45 times as fast as in stock layers, from which it differs in
    nothing else.
    AMX: 1.38 times.
    """,
)
LOCAL_RESPONSE_NORM = Choice(
    name="local response normalisation",
    options=("matrix product", "slices"),
    best=lambda device, dtype, numbers: "matrix product",
    measured="""
    The sums over neighbouring channels as one product with a band matrix, or as sums of shifted slices.
    AVX2 and AMX: part of AlexNet with two towers, 4.7 and 4.3 times as fast as in stock layers.
    """,
)
CHOICES: tuple[Choice[str] | Choice[int], ...] = (
    CONVOLUTION_TYPE,
    GROUPS_TOGETHER,
    GROUP_CHANNELS,
    POINTWISE_WEIGHTS_GRADIENT,
    RELU_GRADIENT,
    GELU_GRADIENT,
    LAYER_NORM,
    BATCH_NORM,
    LOCAL_RESPONSE_NORM,
)
"""AVX2 and AMX are CPUs of two cores: AMD EPYC with AVX2 alone, and Intel's Sapphire Rapids. TensorFlow 2.21, Keras
3.15."""

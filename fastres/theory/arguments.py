"""Checks of arguments: each raises ValueError, naming the argument, its value and what is expected."""

from numbers import Integral

from torch import Tensor


def check_map(name: str, x: Tensor) -> None:
    if x.dim() != 4 or 0 in x.shape:
        raise ValueError(f"{name} has shape {tuple(x.shape)}: expected (images, channels, height, width), none empty")


def check_vector(name: str, values: Tensor, length: int, what: str) -> None:
    if tuple(values.shape) != (length,):
        raise ValueError(f"{name} has shape {tuple(values.shape)}: expected ({length},), one for each of the {what}")


def check_kernel(name: str, w: Tensor, bias_name: str, b: Tensor | None) -> None:
    if w.dim() != 4 or w.shape[2] != w.shape[3] or w.shape[2] % 2 == 0:
        raise ValueError(f"{name} has shape {tuple(w.shape)}: expected (out, in, k, k) with k odd")
    if b is not None:
        check_vector(bias_name, b, w.shape[0], f"output channels of {name}")
    same_dtype(**{name: w, bias_name: b})


def check_affine(w: Tensor, scale: Tensor, shift: Tensor) -> None:
    for name, values in (("scale", scale), ("shift", shift)):
        check_vector(name, values, w.shape[1], "input channels of w")
    same_dtype(w=w, scale=scale, shift=shift)


def check_stride(name: str, stride: int) -> None:
    if not isinstance(stride, Integral) or stride not in (1, 2):
        raise ValueError(f"{name} is {stride!r}: expected 1 or 2")


def check_integer(name: str, value: int, least: int) -> None:
    if not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}: expected an integer, at least {least}")


def check_eps(eps: float) -> None:
    if not eps >= 0:  # NaN is not
        raise ValueError(f"eps is {eps!r}: expected 0 or more")


def same_dtype(**tensors: Tensor | None) -> None:
    """Raises ValueError for a tensor of another dtype than the first one's; None has none."""
    dtypes = {name: tensor.dtype for name, tensor in tensors.items() if tensor is not None}
    first = next(iter(dtypes))
    for name, dtype in dtypes.items():
        if dtype != dtypes[first]:
            raise ValueError(f"{name} has dtype {dtype}: expected {dtypes[first]}, that of {first}")


def check_conv(
    x: Tensor, w: Tensor, b: Tensor | None, stride: int, w_name: str = "w", b_name: str = "b", s_name: str = "stride"
) -> None:
    check_map("x", x)
    check_kernel(w_name, w, b_name, b)
    check_stride(s_name, stride)
    if x.shape[1] != w.shape[1]:
        expected = f"{w_name} of shape {tuple(w.shape)} expects {w.shape[1]}"
        raise ValueError(f"x has shape {tuple(x.shape)}, {x.shape[1]} channels: {expected}")
    same_dtype(**{"x": x, w_name: w})


def check_pair(w1: Tensor, b1: Tensor | None, w2: Tensor, b2: Tensor | None) -> None:
    check_kernel("w1", w1, "b1", b1)
    check_kernel("w2", w2, "b2", b2)
    if w2.shape[1] != w1.shape[0]:
        given = f"w1 of shape {tuple(w1.shape)} gives {w1.shape[0]}"
        raise ValueError(f"w2 has shape {tuple(w2.shape)}, {w2.shape[1]} input channels: {given}")
    same_dtype(w1=w1, w2=w2)

"""Eqs (3)-(5), (9) and (12) of the paper as functions on tensors, with what the printed forms leave out.

Maps are (B, C, H, W), kernels (out, in, k, k) with k odd, biases (out,) or None. "Convolution" is the
cross-correlation of Eq (3), with zeros outside the map: a k x k kernel pads by k // 2, and the output
has ceil(H / stride) rows. Everything works in the precision of its arguments (the notebooks use float64).
Every function raises ValueError for arguments that do not fit (shapes, dtypes, strides), naming the argument, its
value and what is expected.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fastres.theory.arguments import (
    check_affine,
    check_conv,
    check_eps,
    check_integer,
    check_kernel,
    check_map,
    check_pair,
    check_stride,
    check_vector,
    same_dtype,
)


def conv2d(x: Tensor, w: Tensor, b: Tensor | None = None, stride: int = 1) -> Tensor:
    """Eq (3), first line: y[c, h, v] = sum over n, i, j of w[c, n, i, j] x[n, h + i, v + j], plus b[c].

    x (B, in, H, W), w (out, in, k, k), b (out,), stride 1 or 2 -> (B, out, ceil(H/stride), ceil(W/stride)).
    """
    check_conv(x, w, b, stride)
    return _correlate(x, w, b, stride, w.shape[-1] // 2)


def conv2d_gradients(x: Tensor, w: Tensor, grad_y: Tensor, stride: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Eq (3), the other three lines: gradients of a loss for x, w and b, given grad_y, that for y.

    The printed sums cover one image; for a batch, those for w and b also run over its images. The printed sum for x
    runs to N, the number of input channels, but it is the *output* channels that are summed. Stride s reads x at
    s h + i, so a pixel of y sends its gradient there. grad_y is shaped as y; grad_x, grad_w, grad_b as x, w, b.
    """
    check_conv(x, w, None, stride)
    rows, columns = (-(-size // stride) for size in x.shape[2:])
    expected = (x.shape[0], w.shape[0], rows, columns)
    if tuple(grad_y.shape) != expected:
        raise ValueError(f"grad_y has shape {tuple(grad_y.shape)}: expected that of the output, {expected}")
    same_dtype(x=x, grad_y=grad_y)
    radius = w.shape[-1] // 2
    padded = F.pad(x, [radius] * 4)
    grad_padded, grad_w = torch.zeros_like(padded), torch.zeros_like(w)
    for i, j in _taps(w):
        seen = (..., _every(i, rows, stride), _every(j, columns, stride))  # what tap (i, j) reads
        grad_w[:, :, i, j] = torch.einsum("bohv,bchv->oc", grad_y, padded[seen])
        grad_padded[seen] += torch.einsum("oc,bohv->bchv", w[:, :, i, j], grad_y)
    grad_x = grad_padded[..., radius : radius + x.shape[2], radius : radius + x.shape[3]]
    return grad_x, grad_w, grad_y.sum(dim=(0, 2, 3))


def relu(x: Tensor) -> Tensor:
    """Eq (4): max(0, x), element by element; NaN stays NaN."""
    return torch.where(x <= 0, torch.zeros_like(x), x)


def batch_norm_affine(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 0.0) -> tuple[Tensor, Tensor]:
    """The affine map that Eq (5) is on the batch x: (scale, shift), each (C,), with BN(x) = scale x + shift.

    scale = gamma / sqrt(Var + eps), shift = beta - scale E, over images and pixels; the variance is the
    biased one. The printed equation has eps = 0. Raises ValueError for a channel that it cannot divide.
    """
    check_map("x", x)
    for name, values in (("gamma", gamma), ("beta", beta)):
        check_vector(name, values, x.shape[1], "channels of x")
    same_dtype(x=x, gamma=gamma, beta=beta)
    check_eps(eps)
    variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
    if bool((variance + eps <= 0).any()):
        raise ValueError(f"x of shape {tuple(x.shape)} has a constant channel: Eq (5) divides by zero, give eps > 0")
    scale = gamma / torch.sqrt(variance + eps)
    return scale, beta - scale * mean


def batch_norm(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 0.0) -> Tensor:
    """Eq (5): gamma (x - E) / sqrt(Var + eps) + beta per channel. x (B, C, H, W), gamma and beta (C,)."""
    scale, shift = batch_norm_affine(x, gamma, beta, eps)
    return x * _per_channel(scale) + _per_channel(shift)


def bn_relu(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 0.0) -> Tensor:
    """max(0, BN(x)), the activation of Eqs (6) to (8). Arguments as in batch_norm."""
    return relu(batch_norm(x, gamma, beta, eps))


def fold_affine(w: Tensor, b: Tensor | None, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """What Eq (9) should be: (w2, b2) with conv(scale x + shift, w, b) = conv(x, w2, b2) in the interior.

    w2[o, i] = scale[i] w[o, i], b2[o] = b[o] + sum over i of shift[i] times the sum of the taps of w[o, i], with
    scale and shift per *input* channel (in,). At the border b2 is too large: see conv_of_affine.
    """
    check_kernel("w", w, "b", b)
    check_affine(w, scale, shift)
    b2 = torch.einsum("oikl,i->o", w, shift)
    return w * _per_channel(scale), b2 if b is None else b2 + b


def fold_affine_as_printed(w: Tensor, b: Tensor | None, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Eq (9) as the paper prints it, (gamma w, gamma b + beta): the fold of an affine map *after* the conv.

    gamma multiplies both w and b, so it can only be read per output channel, and in = out is needed.
    """
    check_kernel("w", w, "b", b)
    check_affine(w, scale, shift)
    if w.shape[0] != w.shape[1]:
        raise ValueError(f"w has shape {tuple(w.shape)}: Eq (9) as printed needs as many outputs as inputs")
    return w * scale.view(-1, 1, 1, 1), shift if b is None else scale * b + shift


def conv_of_affine(x: Tensor, w: Tensor, b: Tensor | None, scale: Tensor, shift: Tensor, stride: int = 1) -> Tensor:
    """conv(scale x + shift, w, b) as one convolution of x: exact on every pixel, borders included.

    The kernel is fold_affine's; its bias becomes a map, summed at each pixel over the taps that lie inside.
    """
    check_conv(x, w, b, stride)
    check_affine(w, scale, shift)
    shift_map = _per_channel(shift).expand(1, -1, *x.shape[2:])
    return conv2d(x, w * _per_channel(scale), b, stride) + conv2d(shift_map, w, None, stride)


def compose_convs(
    w1: Tensor, b1: Tensor | None, w2: Tensor, b2: Tensor | None, stride1: int = 1
) -> tuple[Tensor, Tensor]:
    """Eq (12): (w3, b3), the one convolution that conv2 after conv1 is in the interior of the map.

    w1 (middle, in, k1, k1), w2 (out, middle, k2, k2) -> w3 (out, in, k3, k3) with k3 = k1 + stride1 (k2 - 1):
    5 x 5 for two 3 x 3 of stride 1, and 7 x 7, to be used with stride 2, where conv1 has stride 2. The paper
    leaves out the sum over the middle channels. On the border add border_correction.
    """
    check_pair(w1, b1, w2, b2)
    check_stride("stride1", stride1)
    k1, k2 = w1.shape[-1], w2.shape[-1]
    k3 = k1 + stride1 * (k2 - 1)
    w3 = w1.new_zeros(w2.shape[0], w1.shape[1], k3, k3)
    for i, j in _taps(w2):  # one pixel further in the middle map is stride1 pixels further in x
        reach = (..., slice(stride1 * i, stride1 * i + k1), slice(stride1 * j, stride1 * j + k1))
        w3[reach] += torch.einsum("om,mikl->oikl", w2[:, :, i, j], w1)
    b3 = w1.new_zeros(w2.shape[0]) if b1 is None else torch.einsum("omkl,m->o", w2, b1)
    return w3, b3 if b2 is None else b3 + b2


def border_correction(
    x: Tensor, w1: Tensor, b1: Tensor | None, w2: Tensor, b2: Tensor | None, stride1: int = 1, stride2: int = 1
) -> Tensor:
    """e with conv2(conv1(x)) = conv3(x) + e on every pixel, where conv3 is compose_convs'.

    conv3 acts as if the middle map continued beyond its edge, where the network has zeros. So e = -conv2(r), where r
    is the output that conv1 would have, b1 included, on the ring outside the middle map (one pixel wide for a 3 x 3
    conv2), and zero inside. x (B, in, H, W) -> (B, out, H', W'), zero but on the outermost ring (stride2 = 1, 3 x 3).
    """
    check_pair(w1, b1, w2, b2)
    check_conv(x, w1, b1, stride1, "w1", "b1", "stride1")
    check_stride("stride2", stride2)
    margin = w2.shape[-1] // 2  # width of the ring
    rows, columns = (-(-size // stride1) for size in x.shape[2:])  # of the middle map
    around = stride1 * margin + w1.shape[-1] // 2
    beyond = _correlate(x, w1, b1, stride1, around)
    beyond = beyond[..., : rows + 2 * margin, : columns + 2 * margin]  # an odd map leaves one row to spare
    outside = ring(beyond.shape[2], beyond.shape[3], margin).to(x.device)
    return -_correlate(beyond * outside, w2, None, stride2, padding=0)


def collapse(
    x: Tensor, w1: Tensor, b1: Tensor | None, w2: Tensor, b2: Tensor | None, stride1: int = 1
) -> tuple[Tensor, Tensor]:
    """conv2(conv1(x)) as one convolution: (conv3(x), e), equal to it in the interior, and everywhere as their sum."""
    w3, b3 = compose_convs(w1, b1, w2, b2, stride1)
    return conv2d(x, w3, b3, stride1), border_correction(x, w1, b1, w2, b2, stride1)


def ring(height: int, width: int, thickness: int = 1) -> Tensor:
    """Boolean (height, width): True on the outermost `thickness` pixels of a map."""
    mask = torch.ones(height, width, dtype=torch.bool)
    mask[thickness : height - thickness, thickness : width - thickness] = False
    return mask


def reachable_dimension(channels: int, middle: int | None = None, seed: int = 0) -> int:
    """Dimension of the set of 5 x 5 kernels (channels -> channels) that a pair of 3 x 3 kernels can represent.

    It is the rank of the Jacobian of compose_convs at a random pair, with `middle` channels (default: channels)
    between the two. Of the pair's 18 C^2 weights C^2 change nothing: any invertible mixing of the middle channels
    can be undone by the second kernel. The 5 x 5 kernel has 25 C^2.
    """
    middle = channels if middle is None else middle
    for name, value in (("channels", channels), ("middle", middle)):
        check_integer(name, value, least=1)
    generator = torch.Generator().manual_seed(seed)
    w1 = torch.randn(middle, channels, 3, 3, generator=generator, dtype=torch.float64)
    w2 = torch.randn(channels, middle, 3, 3, generator=generator, dtype=torch.float64)
    parts = torch.autograd.functional.jacobian(lambda *pair: compose_convs(pair[0], None, pair[1], None)[0], (w1, w2))
    return int(torch.linalg.matrix_rank(torch.cat([part.flatten(4).flatten(0, 3) for part in parts], dim=1)))


def _correlate(x: Tensor, w: Tensor, b: Tensor | None, stride: int, padding: int) -> Tensor:
    """The sums of Eq (3) wherever the whole kernel lies on x with `padding` zeros around it."""
    padded = F.pad(x, [padding] * 4)
    rows, columns = ((size - w.shape[-1]) // stride + 1 for size in padded.shape[2:])
    views = [padded[..., _every(i, rows, stride), _every(j, columns, stride)] for i, j in _taps(w)]
    y = torch.einsum("oct,tbchv->bohv", w.flatten(2), torch.stack(views))
    return y if b is None else y + _per_channel(b)


def _taps(w: Tensor) -> list[tuple[int, int]]:
    return [(i, j) for i in range(w.shape[2]) for j in range(w.shape[3])]


def _every(first: int, count: int, stride: int) -> slice:
    return slice(first, first + stride * (count - 1) + 1, stride)


def _per_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)

"""Each exact statement holds to 1e-10 in float64 over a sweep of shapes, and each wrong one is wrong."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from fastres import theory
from fastres.models.blocks import build_block
from fastres.models.resnet import build_model

EXACT = 1e-10

channel = st.integers(1, 8)
size = st.integers(4, 33)
stride = st.sampled_from([1, 2])
seed = st.integers(0, 2**16)
sweep = settings(max_examples=40, deadline=None, derandomize=True)


class Random:
    """Seeded normal float64 tensors."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)


def error(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape and a.dtype == b.dtype == torch.float64
    return (a - b).abs().max().item() if a.numel() else 0.0


def interior(y: torch.Tensor, width: int = 1) -> torch.Tensor:
    return y[..., width:-width, width:-width]


# Eq (3)


@sweep
@given(channel, channel, size, size, stride, st.sampled_from([1, 3, 5]), seed)
def test_convolution_and_its_gradients_are_those_of_autograd(c, o, h, v, s, k, seed):
    random = Random(seed)
    x, w, b = (t.requires_grad_() for t in (random(2, c, h, v), random(o, c, k, k), random(o)))
    y = F.conv2d(x, w, b, s, padding=k // 2)
    assert error(theory.conv2d(x, w, b, s), y) < EXACT
    grad_y = random(*y.shape)
    expected = torch.autograd.grad(y, (x, w, b), grad_y)
    with torch.no_grad():
        grads = theory.conv2d_gradients(x, w, grad_y, s)
    for ours, theirs in zip(grads, expected, strict=True):
        assert error(ours, theirs) < EXACT


def test_gradients_of_w_and_b_need_the_sum_over_the_batch():
    random = Random(0)
    x, w, grad_y = random(3, 2, 6, 6), random(4, 2, 3, 3), random(3, 4, 6, 6)
    _, grad_w, grad_b = theory.conv2d_gradients(x, w, grad_y)
    images = [theory.conv2d_gradients(x[i : i + 1], w, grad_y[i : i + 1]) for i in range(3)]
    assert error(sum(image[1] for image in images), grad_w) < EXACT
    assert error(sum(image[2] for image in images), grad_b) < EXACT
    assert error(images[0][1], grad_w) > 0.1  # one image's sum, as printed, is not the batch's


def test_gradient_of_x_sums_over_output_channels_not_inputs():
    random = Random(0)
    x, w, grad_y = random(1, 2, 6, 6), random(4, 2, 3, 3), random(1, 4, 6, 6)
    grad_x, _, _ = theory.conv2d_gradients(x, w, grad_y)
    as_printed, _, _ = theory.conv2d_gradients(x, w[:2], grad_y[:, :2])  # c = 1..N with N = 2 inputs
    assert error(as_printed, grad_x) > 0.1


# Eqs (4) and (5)


@sweep
@given(channel, size, size, seed)
def test_relu_and_batch_norm_are_those_of_torch(c, h, v, seed):
    random = Random(seed)
    x, gamma, beta = 3 * random(2, c, h, v) + 1, random(c), random(c)
    assert torch.equal(theory.relu(x), F.relu(x))
    for eps in (0.0, 1e-5):
        expected = F.batch_norm(x, None, None, gamma, beta, training=True, eps=max(eps, 1e-300))  # torch wants eps > 0
        assert error(theory.batch_norm(x, gamma, beta, eps), expected) < EXACT
    assert error(theory.batch_norm(x + 7, gamma, beta), theory.batch_norm(x, gamma, beta)) < EXACT  # BN(X + c) = BN(X)


def test_relu_of_special_values():
    x = torch.tensor([-2.0, -0.0, 0.0, 3.0, float("inf"), float("-inf"), float("nan")])
    found = theory.relu(x)
    assert torch.equal(found[:-1], torch.tensor([0.0, 0.0, 0.0, 3.0, float("inf"), 0.0])) and found[-1].isnan()


def test_batch_norm_uses_the_biased_variance_and_no_epsilon():
    x = Random(0)(2, 3, 4, 4)
    one, zero = torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    y = theory.batch_norm(x, one, zero)
    assert error(y.var(dim=(0, 2, 3), correction=0), one) < EXACT
    assert error(y.var(dim=(0, 2, 3), correction=1), one) > 0.01
    assert error(y, F.batch_norm(x, None, None, training=True, eps=1e-5)) > 1e-6


def test_batch_norm_of_a_constant_channel_is_refused():
    constant = torch.ones(2, 1, 4, 4, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"x of shape \(2, 1, 4, 4\) has a constant channel.*eps > 0"):
        theory.batch_norm(constant, one, one)
    assert error(theory.batch_norm(constant, one, one, eps=1e-5), constant) < EXACT


# Eq (9)


@sweep
@given(channel, channel, size, size, stride, seed)
def test_fold_of_an_affine_map_before_a_convolution(c, o, h, v, s, seed):
    random = Random(seed)
    x, w, b, scale, shift = random(2, c, h, v), random(o, c, 3, 3), random(o), random(c), random(c)
    y = F.conv2d(x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1), w, b, s, padding=1)
    assert error(theory.conv_of_affine(x, w, b, scale, shift, s), y) < EXACT
    folded = theory.conv2d(x, *theory.fold_affine(w, b, scale, shift), s)
    assert error(interior(folded), interior(y)) < EXACT
    assert error(folded, y) > 1e-4  # wrong on the border, where the shift is not there to be read


@sweep
@given(channel, size, size, seed)
def test_the_printed_fold_is_wrong_even_inside(c, h, v, seed):
    random = Random(seed)
    x, w, b, scale, shift = random(1, c, h, v), random(c, c, 3, 3), random(c), random(c), random(c)
    y = theory.conv_of_affine(x, w, b, scale, shift)
    printed = theory.conv2d(x, *theory.fold_affine_as_printed(w, b, scale, shift))
    assert error(interior(printed), interior(y)) > 1e-2
    # what it is: the fold of an affine map after the convolution
    after = theory.conv2d(x, w, b) * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)
    assert error(printed, after) < EXACT


def test_the_bias_of_eq_10_is_removed_by_the_next_batch_norm():
    random = Random(0)
    x, w, gamma, beta = random(2, 4, 9, 9), random(4, 4, 3, 3), random(4), random(4)
    with_bias, without = theory.conv2d(x, w, random(4)), theory.conv2d(x, w)
    assert error(theory.batch_norm(with_bias, gamma, beta), theory.batch_norm(without, gamma, beta)) < EXACT


# Eq (12)


@sweep
@given(channel, channel, channel, size, size, stride, stride, seed)
def test_two_convolutions_are_one_and_the_border_correction(c, m, o, h, v, s1, s2, seed):
    random = Random(seed)
    x = random(2, c, h, v)
    w1, b1, w2, b2 = random(m, c, 3, 3), random(m), random(o, m, 3, 3), random(o)
    two = F.conv2d(F.conv2d(x, w1, b1, s1, padding=1), w2, b2, s2, padding=1)
    w3, b3 = theory.compose_convs(w1, b1, w2, b2, s1)
    k3 = 5 if s1 == 1 else 7
    assert w3.shape == (o, c, k3, k3)
    one = F.conv2d(x, w3, b3, s1 * s2, padding=k3 // 2)
    correction = theory.border_correction(x, w1, b1, w2, b2, s1, s2)
    assert error(one + correction, two) < EXACT
    assert error(one, two) > 1e-3  # without the correction it is wrong
    if s2 == 1:  # ... and only on the border ring, of which every pixel is wrong
        wrong = ((one - two).abs().amax(dim=(0, 1)) > EXACT).cpu()
        assert torch.equal(wrong, theory.ring(*wrong.shape))


@pytest.mark.parametrize("k1, k2, k3", [(3, 3, 5), (1, 3, 3), (3, 1, 3), (5, 3, 7), (3, 5, 7)])
def test_kernels_of_other_sizes_compose_too(k1, k2, k3):
    random = Random(0)
    x, w1, b1, w2 = random(1, 2, 9, 8), random(3, 2, k1, k1), random(3), random(4, 3, k2, k2)
    w3, b3 = theory.compose_convs(w1, b1, w2, None)
    assert w3.shape == (4, 2, k3, k3)
    two = theory.conv2d(theory.conv2d(x, w1, b1), w2)
    assert error(theory.conv2d(x, w3, b3) + theory.border_correction(x, w1, b1, w2, None), two) < EXACT


def test_the_collapse_of_a_built_simplified_2_block():
    """Eq (13) without Eq (9): X + (5 x 5)(ReLU(BN(X))), with the correction on the border."""
    for channels, width, s in [(4, 4, 1), (4, 8, 2)]:
        block = build_block("simplified-2", channels, width, s).double()
        x = Random(1)(2, channels, 10, 10)
        w1, w2 = block.conv1.weight.detach(), block.conv2.weight.detach()
        with torch.no_grad():
            y = block(x)
            activated = block.f1(x)
            w3, b3 = theory.compose_convs(w1, None, w2, None, s)
            collapsed = block.shortcut(x) + theory.conv2d(activated, w3, b3, s)
            exact = collapsed + theory.border_correction(activated, w1, None, w2, None, s)
        assert error(exact, y) < EXACT
        assert error(interior(collapsed), interior(y)) < EXACT
        assert error(collapsed, y) > 1e-2


def test_the_stem_and_the_first_convolution_of_simplified_1_collapse():
    model = build_model("simplified-1", 8, seed=0).double()
    block = model.blocks[0]
    x = Random(0)(1, 3, 12, 12)
    w1, w2 = model.stem.weight.detach(), block.conv1.weight.detach()
    with torch.no_grad():
        two = block.conv1(block.f1(model.stem(x)))
    w3, b3 = theory.compose_convs(w1, None, w2, None)
    assert error(theory.conv2d(x, w3, b3) + theory.border_correction(x, w1, None, w2, None), two) < EXACT


@pytest.mark.parametrize("channels, middle", [(1, 1), (2, 1), (2, 2), (3, 3)])
def test_a_pair_reaches_a_set_of_dimension_18_minus_1(channels, middle):
    """9 M (C + C) weights less M^2 that change nothing: 17 C^2 of 25 C^2 for M = C."""
    assert theory.reachable_dimension(channels, middle) == 18 * channels * middle - middle**2
    assert theory.reachable_dimension(channels, middle, seed=1) == 18 * channels * middle - middle**2


def test_enough_middle_channels_reach_every_kernel():
    assert theory.reachable_dimension(1, 2) == 25
    assert theory.reachable_dimension(2, 4) == 100


# Bad input


X, W, B, V = torch.zeros(1, 2, 4, 4), torch.zeros(3, 2, 3, 3), torch.zeros(3), torch.zeros(2)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: theory.conv2d(X[0], W), r"x has shape \(2, 4, 4\): expected \(images, channels, height, width\)"),
        (lambda: theory.conv2d(X[:, :1], W), r"x has shape \(1, 1, 4, 4\), 1 channels: w of shape .* expects 2"),
        (lambda: theory.conv2d(X, W[..., :2, :2]), r"w has shape \(3, 2, 2, 2\): expected .* k odd"),
        (lambda: theory.conv2d(X, W[..., :1]), r"w has shape \(3, 2, 3, 1\): expected \(out, in, k, k\)"),
        (lambda: theory.conv2d(X, W, V), r"b has shape \(2,\): expected \(3,\)"),
        (lambda: theory.conv2d(X, W, B, 3), r"stride is 3: expected 1 or 2"),
        (lambda: theory.conv2d_gradients(X, W, X), r"grad_y has shape \(1, 2, 4, 4\): expected .*\(1, 3, 4, 4\)"),
        (lambda: theory.conv2d_gradients(X, W, X, 4), r"stride is 4: expected 1 or 2"),
        (lambda: theory.batch_norm(X, B, V), r"gamma has shape \(3,\): expected \(2,\)"),
        (lambda: theory.batch_norm(X, V, B), r"beta has shape \(3,\): expected \(2,\)"),
        (lambda: theory.fold_affine(W, B, B, V), r"scale has shape \(3,\): expected \(2,\)"),
        (lambda: theory.conv_of_affine(X, W, B, V, B), r"shift has shape \(3,\): expected \(2,\)"),
        (
            lambda: theory.fold_affine_as_printed(W, B, V, V),
            r"w has shape \(3, 2, 3, 3\): .* as many outputs as inputs",
        ),
        (lambda: theory.compose_convs(W, B, W, B), r"w2 has shape \(3, 2, 3, 3\), 2 input channels: w1 .* gives 3"),
        (lambda: theory.compose_convs(W, V, W[:, :1], B), r"b1 has shape \(2,\): expected \(3,\)"),
        (lambda: theory.compose_convs(W, B, W[..., :2, :2], B), r"w2 has shape \(3, 2, 2, 2\): expected .* k odd"),
        (lambda: theory.compose_convs(W, B, W.new_zeros(3, 3, 3, 3), B, 3), r"stride1 is 3: expected 1 or 2"),
        (lambda: theory.border_correction(X[:, :1], W, B, W.new_zeros(3, 3, 3, 3), B), r"x has .* w1 .* expects 2"),
        (lambda: theory.border_correction(X, W, B, W.new_zeros(3, 3, 3, 3), B, 1, 0), r"stride2 is 0"),
        (lambda: theory.reachable_dimension(0), r"channels is 0: expected an integer, at least 1"),
        (lambda: theory.reachable_dimension(2, 1.5), r"middle is 1.5: expected an integer"),
        (lambda: theory.conv2d(X, W, B, 1.0), r"stride is 1.0: expected 1 or 2"),
        (lambda: theory.conv2d_gradients(X, W, X.new_zeros(1, 3, 2, 2), 2.0), r"stride is 2.0"),
        (lambda: theory.compose_convs(W, B, W.new_zeros(3, 3, 3, 3), B, 1.0), r"stride1 is 1.0"),
        (lambda: theory.border_correction(X, W, B, W.new_zeros(3, 3, 3, 3), B, 1, 1.0), r"stride2 is 1.0"),
        (lambda: theory.batch_norm(X, V, V, -1e-5), r"eps is -1e-05: expected 0 or more"),
        (lambda: theory.batch_norm_affine(X, V, V, float("nan")), r"eps is nan: expected 0 or more"),
        (lambda: theory.bn_relu(X, V, V, -1.0), r"eps is -1.0"),
        (lambda: theory.conv2d(X, W.double()), r"w has dtype torch.float64: expected torch.float32, that of x"),
        (lambda: theory.conv2d(X, W, B.double()), r"b has dtype torch.float64: expected torch.float32, that of w"),
        (lambda: theory.conv2d_gradients(X, W, X.new_zeros(1, 3, 4, 4).double()), r"grad_y has dtype torch.float64"),
        (lambda: theory.batch_norm(X, V, V.double(), 1.0), r"beta has dtype torch.float64: .* that of x"),
        (lambda: theory.fold_affine(W, B, V.double(), V), r"scale has dtype torch.float64: .* that of w"),
        (lambda: theory.conv_of_affine(X, W, B, V, V.double()), r"shift has dtype torch.float64: .* that of w"),
        (lambda: theory.compose_convs(W, B, W.new_zeros(3, 3, 3, 3).double(), None), r"w2 has dtype .* that of w1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

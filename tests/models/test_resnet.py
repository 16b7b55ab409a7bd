import pytest
import torch
import torch.nn.functional as F

from fastres.models.blocks import BottleneckBlock, ResidualBlock, Shortcut, activation, batch_norms, relu_count
from fastres.models.resnet import build_model, count_layers, count_parameters
from fastres.models.structures import activations, blocks_per_stage, canonical, parts

PARAMETERS = {  # paper digest: basic, simplified-1, simplified-2
    20: (269_722, 269_146, 269_050),
    56: (853_018, 851_098, 851_002),
    110: (1_727_962, 1_724_026, 1_723_930),
    668: (10_769_050, 10_744_282, 10_744_186),
}
STRUCTURES = ("basic", "simplified-1", "simplified-2")


@pytest.mark.parametrize("depth", PARAMETERS)
def test_parameter_layer_and_activation_counts(depth):
    n = blocks_per_stage("basic", depth)
    for structure, parameters in zip(STRUCTURES, PARAMETERS[depth], strict=True):
        model = build_model(structure, depth)
        assert count_parameters(model) == parameters
        assert count_layers(model) == depth == 6 * n + 2
        expected = 6 * n + 1 if structure == "basic" else 3 * n + 1
        assert relu_count(model) == len(batch_norms(model)) == expected


def test_bottleneck_network():
    model = build_model("bottleneck", 29, num_classes=7)
    assert count_layers(model) == 29 == 9 * blocks_per_stage("bottleneck", 29) + 2
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert isinstance(model.blocks[0], BottleneckBlock)


@pytest.mark.parametrize(
    ("structure", "depth", "first_blocks"),
    [
        (
            "simplified-1",
            14,
            [[(3, 16, 16, 1)] * 2, [(3, 16, 32, 2), (3, 32, 32, 1)], [(3, 32, 64, 2), (3, 64, 64, 1)]],
        ),
        (
            "bottleneck",
            20,
            [
                [(1, 16, 16, 1), (3, 16, 16, 1), (1, 16, 64, 1)],
                [(1, 64, 32, 1), (3, 32, 32, 2), (1, 32, 128, 1)],
                [(1, 128, 64, 1), (3, 64, 64, 2), (1, 64, 256, 1)],
            ],
        ),
    ],
)
def test_kernels_channels_and_strides(structure, depth, first_blocks):
    model = build_model(structure, depth)
    for stage, expected in zip(model.stages, first_blocks, strict=True):
        assert _shapes(stage[0]) == expected
        for block in stage[1:]:
            (kernel, _, width, _), *rest = expected
            out_channels = expected[-1][2]
            assert _shapes(block) == [(kernel, out_channels, width, 1), *((k, i, o, 1) for k, i, o, _ in rest)]


def _shapes(block: torch.nn.Module) -> list[tuple[int, ...]]:
    convs = [part for part in block.modules() if isinstance(part, torch.nn.Conv2d)]
    assert all(conv.padding == (conv.kernel_size[0] // 2,) * 2 and conv.bias is None for conv in convs)
    return [(conv.kernel_size[0], conv.in_channels, conv.out_channels, conv.stride[0]) for conv in convs]


@pytest.mark.parametrize("name", ["none", "bn", "relu", "bn-relu"])
def test_activation_is_what_its_name_says(name):
    x = torch.randn(8, 3, 5, 5, dtype=torch.float64)
    expected = x
    if "bn" in name:
        mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        expected = (expected - mean) / (variance + 1e-5).sqrt()
    if "relu" in name:
        expected = expected.clamp_min(0)
    before = x.clone()
    torch.testing.assert_close(activation(name, 3).double()(x), expected)
    assert torch.equal(x, before)  # the shortcut reads the same tensor


@pytest.mark.parametrize("structure", [*STRUCTURES, "bn/bn-relu", "relu/none"])
@pytest.mark.parametrize(("channels", "width", "stride"), [(3, 3, 1), (3, 6, 2)])
def test_block_is_its_equation(structure, channels, width, stride):
    block = ResidualBlock(parts(structure), channels, width, stride).double()
    x = torch.randn(4, channels, 7, 7, dtype=torch.float64)
    x1 = block.f1(x)
    x2 = block.f2(F.conv2d(x1, block.conv1.weight, stride=stride, padding=1))
    y = F.conv2d(x2, block.conv2.weight, padding=1)
    y[:, :channels] += x[:, :, ::stride, ::stride]  # the shortcut has only the old channels
    torch.testing.assert_close(block(x), y)


@pytest.mark.parametrize(("structure", "depth"), [("bn/bn-relu/end-bn", 8), ("bottleneck/end-relu", 11)])
def test_an_activation_at_the_end_acts_on_the_branch_alone(structure, depth):
    block = build_model(structure, depth).blocks[0].eval()
    ended, block.end = block.end, torch.nn.Identity()
    x = torch.randn(2, 16, 7, 7)
    branch = block(x) - block.shortcut(x)
    block.end = ended
    torch.testing.assert_close(block(x), block.shortcut(x) + ended(branch))


def test_post_activation_is_the_block_and_network_of_he_et_al_2015():
    """By hand: BN and ReLU after each convolution, the last ReLU after the addition; none before the pooling."""
    model = build_model("post-activation", 14, seed=0).double()
    convs = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(convs) == len(norms) == 13

    def step(x, i, stride=1):
        y = F.conv2d(x, convs[i].weight, stride=stride, padding=1)
        return F.batch_norm(y, None, None, norms[i].weight, norms[i].bias, training=True)

    for norm in norms:
        torch.nn.init.normal_(norm.weight), torch.nn.init.normal_(norm.bias)
    images = torch.randn(4, 3, 12, 12, dtype=torch.float64)
    x = step(images, 0).relu()
    for i in range(1, 13, 2):
        stride = 2 if i in (5, 9) else 1
        y = step(step(x, i, stride).relu(), i + 1)
        shortcut = torch.zeros_like(y)
        shortcut[:, : x.shape[1]] = x[:, :, ::stride, ::stride]
        x = (shortcut + y).relu()
    torch.testing.assert_close(model(images), model.classifier(x.mean(dim=(2, 3))))


def test_shortcut_adds_zero_channels_and_has_no_parameters():
    shortcut = Shortcut(2, 5, 2)
    y = shortcut(torch.ones(1, 2, 5, 5))
    assert y.shape == (1, 5, 3, 3)
    assert y[:, :2].eq(1).all() and y[:, 2:].eq(0).all()
    assert count_parameters(shortcut) == 0


@pytest.mark.parametrize(("structure", "depth", "projections"), [("simplified-1", 14, 2), ("bottleneck", 20, 3)])
def test_option_b_projects_where_the_shape_changes(structure, depth, projections):
    option_a, option_b = (build_model(structure, depth, seed=1, shortcut=option) for option in "AB")
    assert count_layers(option_b) == count_layers(option_a) + projections
    convs = [block.shortcut for block in option_b.blocks if isinstance(block.shortcut, torch.nn.Conv2d)]
    assert len(convs) == projections and all(conv.kernel_size == (1, 1) and conv.bias is None for conv in convs)
    added = sum(conv.in_channels * conv.out_channels for conv in convs)
    assert count_parameters(option_b) == count_parameters(option_a) + added
    x = torch.randn(2, 3, 16, 16)
    assert option_b(x).shape == option_a(x).shape


def test_option_b_adds_the_projection_of_x():
    block = ResidualBlock(parts("basic"), 3, 6, 2, "B").eval()
    x = torch.randn(2, 3, 7, 7)
    branch = block.conv2(block.f2(block.conv1(block.f1(x))))
    projected = torch.einsum("oc,bchw->bohw", block.shortcut.weight[:, :, 0, 0], x[:, :, ::2, ::2])
    torch.testing.assert_close(block(x), projected + branch)
    assert isinstance(ResidualBlock(parts("basic"), 3, 3, 1, "B").shortcut, Shortcut)
    with pytest.raises(ValueError, match="shortcut is 'C': use one of A, B"):
        build_model("basic", 8, shortcut="C")
    for swapped in ((20, "basic"), (None, 20)):
        with pytest.raises(ValueError, match=r"structure is .*: give its name"):
            build_model(*swapped)


def test_initial_weights_are_scaled():
    one, half = build_model("basic", 8, seed=1), build_model("basic", 8, seed=1, init_scale=0.5)
    assert torch.equal(half.stem.weight, 0.5 * one.stem.weight)
    assert torch.equal(half.classifier.weight, 0.5 * one.classifier.weight)
    assert torch.equal(half.blocks[0].f1[0].weight, one.blocks[0].f1[0].weight)


def test_he_normal_weights_and_seed():
    model = build_model("basic", 20, seed=1)
    weight = model.blocks[-1].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert torch.equal(weight, build_model("basic", 20, seed=1).blocks[-1].conv2.weight)
    assert not torch.equal(weight, build_model("basic", 20, seed=2).blocks[-1].conv2.weight)


def test_forward_hands_every_part_to_run():
    model, parts = build_model("simplified-1", 14, seed=0).eval(), []

    def run(part, x):
        parts.append(part)
        return part(x)

    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(model(x, run), model(x))
    assert parts == [*model.blocks, model.head]
    assert len(model.blocks) == 6
    assert model(x, lambda part, x: x).shape == (2, 16, 8, 8)  # the stem alone is not handed out


@pytest.mark.parametrize("structure", STRUCTURES)
def test_668_layers_make_a_training_step(structure):
    model = build_model(structure, 668, seed=0)
    loss = F.cross_entropy(model(torch.randn(2, 3, 8, 8)), torch.tensor([0, 1]))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.stem.weight.grad.abs().max() > 0


def test_canonical_names():
    assert canonical("bn-relu/none") == "simplified-2"
    assert canonical("bn/bn-relu") == "bn/bn-relu"
    assert canonical("bn-relu/bn-relu/end-relu") == canonical("basic/end-relu") == "basic/end-relu"
    assert activations("basic/end-relu") == activations("basic") and parts("basic/end-relu").end == "relu"
    assert canonical("none/bn-relu/end-bn/sum-relu") == canonical("post-activation") == "post-activation"
    assert canonical("bn-relu/none/sum-relu") == "simplified-2/sum-relu"
    ends = ("basic/end-none", "basic/end-", "end-bn", "bn/end-bn", "basic/end-bn/end-bn", "basic/end-bn/bn")
    for wrong in (*ends, "sum-relu", "basic/sum-none", "basic/sum-relu/end-bn", "post-activation/end-bn"):
        with pytest.raises(ValueError, match="followed by '/end-'"):
            canonical(wrong)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("basic", 22), "nearest: 20 and 26"),
        (("fancy", 20), "basic, simplified-1, simplified-2, bottleneck"),
        (("basic", 20, 1), "at least 2"),
    ],
)
def test_impossible_networks_are_refused(arguments, told):
    with pytest.raises(ValueError, match=told):
        build_model(*arguments)


def test_frozen_bn_is_affine_in_training_and_learns_only_scale_and_shift():
    f, x = activation("frozen-bn-relu", 3).train(), torch.randn(4, 3, 5, 5)
    with torch.no_grad():
        f[0].running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
        f[0].weight.fill_(2.0)
    before = {name: value.clone() for name, value in f[0].state_dict().items()}
    expected = torch.relu(2 * (x - torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)) / (1 + 1e-5) ** 0.5)
    torch.testing.assert_close(f(x), expected)
    f(x).sum().backward()
    assert f[0].weight.grad is not None and f[0].bias.grad is not None
    assert all(torch.equal(before[name], value) for name, value in f[0].state_dict().items())

"""The measured counts see what a network does, and leave it as it was."""

import torch
from torch import nn

from fastres.measure.counts import measure_costs, saved_bytes
from fastres.models.resnet import build_model
from fastres.theory.counts import costs


def test_measuring_leaves_the_network_as_it_was():
    model, threads = build_model("basic", 8, seed=0).eval(), torch.get_num_threads()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measure_costs(model)
    assert not model.training and torch.get_num_threads() == threads
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_changed_network_is_seen():
    model = build_model("basic", 8)
    block = model.blocks[0]
    block.f1 = nn.Identity()
    changed, expected = measure_costs(model), costs("basic", 8)
    assert changed.bn_elements == expected.bn_elements - 16 * 32 * 32
    assert changed.saved_elements == expected.saved_elements - 16 * 32 * 32
    assert changed.relu_path == expected.relu_path - 1
    block.conv1 = nn.Conv2d(16, 16, 1, bias=False)
    assert measure_costs(model).macs == expected.macs - 8 * 16 * 16 * 32 * 32


def test_a_relu_beside_the_longest_path_does_not_count():
    model = build_model("basic", 8)
    shortcut = model.blocks[0].shortcut
    model.blocks[0].shortcut = nn.Sequential(shortcut, nn.ReLU())
    counted = measure_costs(model)
    assert counted.relu_layers == costs("basic", 8).relu_layers + 1 and counted.relu_path == costs("basic", 8).relu_path


def test_saved_bytes_count_each_storage_once():
    conv = nn.Conv2d(2, 3, 3)
    x = torch.zeros(1, 2, 5, 5)
    saved, y = saved_bytes(nn.Sequential(conv, nn.ReLU(inplace=True)), x)
    assert saved == 4 * (x.numel() + y.numel())
    assert saved_bytes(nn.Sequential(conv, nn.ReLU(), nn.ReLU()), x)[0] == 4 * (x.numel() + 2 * y.numel())

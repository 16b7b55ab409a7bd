"""The checks of the claims, by the name that data/paper/claims.toml gives: Evidence and arguments in, Finding out."""

from collections.abc import Callable

from fastres.checks import argument, arithmetic, counts, curves, equations, errors, inputs, logic, overfitting, times
from fastres.checks.finding import Finding

CHECKS: dict[str, Callable[..., Finding]] = {
    check.__name__: check
    for check in (
        arithmetic.arithmetic_reduction,
        arithmetic.arithmetic_saving_grows,
        arithmetic.arithmetic_speed,
        equations.eq_batch_norm,
        equations.eq_block,
        equations.eq_bn_keeps_shape,
        equations.eq_conv_forward,
        equations.eq_conv_gradients,
        equations.eq_conv_is_affine,
        equations.eq_relu,
        equations.eq_relu_last,
        equations.eq_residual_sum,
        argument.eq_activation_affine,
        argument.eq_basic_as_simplified_1,
        argument.eq_compose_convs,
        argument.eq_equal_at_unit_affine,
        argument.eq_fold_affine,
        argument.eq_simplified_2_as_one_conv,
        argument.eq_simplified_2_as_two_convs,
        counts.count_activation_layers,
        counts.count_activations,
        counts.count_block_layers,
        counts.count_bn_initial,
        counts.count_bn_parameters,
        counts.count_dataset,
        counts.count_depth,
        counts.count_macs,
        counts.count_network_parts,
        counts.count_recipe,
        counts.memory_activations,
        curves.curve_drops,
        curves.curve_fluctuation,
        curves.curve_fluctuation_compared,
        curves.curve_level,
        curves.curve_overlap,
        errors.error_by_depth,
        errors.error_difference,
        errors.error_values,
        inputs.input_stability,
        inputs.positive_share,
        logic.faster_and_accurate,
        logic.follows_from,
        logic.not_decidable,
        overfitting.overfitting,
        overfitting.overfitting_compared,
        times.time_by_depth,
        times.time_equal,
        times.time_per_block,
        times.time_reduction,
        times.time_reduction_grows,
        times.time_share,
    )
}

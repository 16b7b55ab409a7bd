"""The checks of the claims, one function per kind of claim. Importing this package registers them all."""

from fastres.claims.checks import (  # noqa: F401
    argument,
    arithmetic,
    blocks,
    cited,
    collapse,
    counts,
    curves,
    derived,
    errors,
    network,
    operations,
    overfitting,
    times,
    tradeoff,
    trained,
)

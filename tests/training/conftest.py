import functools

import pytest

from fastres.training import engine, loop


@pytest.fixture
def without_code(monkeypatch):
    """Compiled steps go through the compiler's front end, but run operation by operation: no C++ is compiled."""
    quick = functools.partial(engine.compile_network, backend=engine.PARTITIONED)
    monkeypatch.setattr(loop, "compile_network", quick)

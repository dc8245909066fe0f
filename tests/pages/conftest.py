"""What every test of a page does."""

from collections.abc import Iterator

import pytest
import screens

screens.keep_contents()


@pytest.fixture(autouse=True)
def work_ends() -> Iterator[None]:
    """Maps that are judged beside a page would go on beside the tests that follow."""
    yield
    screens.end_work()

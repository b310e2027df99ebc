"""What a program asks every second costs the same few queries, however many rows there are."""

import pytest

from tests.factories import GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("path", "queries"), [("generate/{id}", 4), ("generations", 5), ("generations?limit=2", 5)])
def test_looking_costs_few_queries(api, workspace, django_assert_num_queries, path, queries):
    """Key, membership, generations, the sounds of their segments; a list looks at waiting calls too."""
    rows = [GenerationFactory(workspace=workspace) for _ in range(3)]
    address = path.format(id=rows[0].pk)
    api("GET", address)  # notes that the key was used, once a minute
    with django_assert_num_queries(queries):
        assert api("GET", address).status_code == 200

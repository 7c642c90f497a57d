"""The order of the tests, and no limit on their time."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items):
    """Begin with whole workflows, so that short tests fill both cores at the end."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")

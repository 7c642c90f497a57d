"""The order of the tests."""


def pytest_collection_modifyitems(items):
    """Begin with whole workflows, so that short tests fill both cores at the end."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")

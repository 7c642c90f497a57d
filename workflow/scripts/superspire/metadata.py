"""The description of the software for archives, from its citation file."""

CONTEXT = "https://w3id.org/codemeta/3.0"


def person(author):
    """Describe an author of a citation file in the terms of schema.org."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    names = {"givenName": author["given-names"], "familyName": author["family-names"]}
    known = {"@id": author["orcid"]} if "orcid" in author else {}
    return {"@type": "Person", **known, **names}


def publication(reference):
    """Describe a publication of a citation file in the terms of schema.org."""
    values = [one["value"] for one in reference.get("identifiers", [])]
    if "doi" in reference:
        values.insert(0, f"https://doi.org/{reference['doi']}")
    return {
        "@type": "ScholarlyArticle",
        "name": reference["title"],
        "author": [person(author) for author in reference["authors"]],
        "datePublished": str(reference["year"]),
        "isPartOf": {"@type": "Periodical", "name": reference["journal"]},
        **({"identifier": values} if values else {}),
    }


def codemeta(citation, project):
    """Describe the software by CodeMeta 3.0.

    Parameters
    ----------
    citation : dict
        The content of ``CITATION.cff``.
    project : dict
        The section ``project`` of ``pyproject.toml``.

    Returns
    -------
    dict
        The content of ``codemeta.json``.
    """
    optional = {
        "codeRepository": citation.get("repository-code"),
        "datePublished": str(citation.get("date-released", "")),
        "identifier": citation.get("doi"),
    }
    return {
        "@context": CONTEXT,
        "@type": "SoftwareSourceCode",
        "name": citation["title"],
        "description": citation["abstract"],
        "version": citation["version"],
        "license": f"https://spdx.org/licenses/{citation['license']}",
        "author": [person(author) for author in citation["authors"]],
        "keywords": citation["keywords"],
        "programmingLanguage": ["Python", "Snakemake"],
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": project["dependencies"],
        "referencePublication": [
            publication(citation["preferred-citation"]),
            *map(publication, citation["references"]),
        ],
        **{key: value for key, value in optional.items() if value},
    }

"""Two trainings beside each other."""

import pandas as pd

from superspire.evaluation.trainings import join_trainings


def comparison(values):
    """A comparison of two claims on two sets of cutouts."""
    rows = [
        ("purity_min", "simulated", "paper"),
        ("purity_min", "observed", "paper"),
        ("purity_min", "observed", "strict"),
        ("fwhm", "observed", "paper"),
    ]
    table = pd.DataFrame(rows, columns=["claim", "dataset", "protocol"])
    table = table.assign(quantity=table["claim"] + " in words", paper="", n=9)
    return table.assign(
        value=values,
        low=table.index - 0.1,
        high=table.index + 0.1,
        chance=0.2,
        n_distinct=3.0,
    )


def test_claims_of_both_trainings_stand_in_one_row_each():
    both, one = comparison([1.0, 2.0, 3.0, 4.0]), comparison([5.0, 6.0, 7.0, 8.0])
    shuffled = one.iloc[[3, 1, 0, 2]]
    joined = join_trainings({"both": both, "one": shuffled}, ["observed"])
    assert joined["claim"].tolist() == ["purity_min", "purity_min", "fwhm"]
    assert joined["protocol"].tolist() == ["paper", "strict", "paper"]
    assert joined["both_value"].tolist() == [2.0, 3.0, 4.0]
    assert joined["one_value"].tolist() == [6.0, 7.0, 8.0]
    for name in ("both", "one"):
        assert joined[f"{name}_low"].tolist() == [0.9, 1.9, 2.9]
        assert (joined[f"{name}_n_distinct"] == 3.0).all()


def test_a_claim_of_one_training_alone_is_kept():
    both, one = comparison([1.0, 2.0, 3.0, 4.0]), comparison([5.0, 6.0, 7.0, 8.0])
    joined = join_trainings({"both": both, "one": one[:3]}, ["observed"])
    fwhm = joined[joined["claim"] == "fwhm"].iloc[0]
    assert fwhm["both_value"] == 4.0
    assert pd.isna(fwhm["one_value"])

"""Copies of examples: fillers, other places, misheard characters; seeded, with their labels and authors."""

from models.catalog import load_catalog
from models.locations import catalog_dir
from models.places import PlaceFinder
from training.copies import copies
from training.tickets import Example


def example(text: str, split: str = "train", author: str = "a") -> Example:
    return Example(text, "0101010101", "投诉", author, split)


CATALOG = load_catalog(catalog_dir())
ROAD = next(p.name for p in CATALOG.places if p.kind == "road")


def test_the_same_seed_gives_the_same_copies_and_another_gives_others() -> None:
    source = [example(f"{ROAD}的路灯不亮,晚上黑得看不见路{n}") for n in range(20)]
    first, again, other = (copies(source, 30, CATALOG.places, seed=s) for s in (1, 1, 2))
    assert first == again != other
    assert len(first) == 30


def test_a_copy_keeps_label_and_author_and_held_out_examples_are_not_copied() -> None:
    source = [example("暖气不热", author="b"), example("这一条不许学", split="held_out")]
    found = copies(source, 12, CATALOG.places)
    assert {(c.code, c.author, c.split) for c in found} == {("0101010101", "b", "train")}
    assert not any("不许学" in c.text for c in found)
    assert copies(source[1:], 5, CATALOG.places) == []


def test_of_three_copies_one_is_spoken_around_one_has_another_place_one_is_misheard() -> None:
    text = f"{ROAD}的路灯不亮,修了也没有用,还是不亮"
    around, elsewhere, misheard = copies([example(text)], 3, CATALOG.places, seed=3)
    assert text in around.text
    assert ROAD not in elsewhere.text
    assert PlaceFinder(CATALOG.places).find(elsewhere.text)
    assert elsewhere.text.endswith("的路灯不亮,修了也没有用,还是不亮")
    assert "," not in misheard.text

"""Places: what the words say, the last correction wins, homonyms stay open, and nothing is guessed."""

import pytest

from models.catalog import load_catalog
from models.locations import catalog_dir
from models.places import PlaceFinder


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    return PlaceFinder(load_catalog(catalog_dir()).places)


def test_a_named_district_is_the_district(finder: PlaceFinder) -> None:
    assert finder.locate("我在城西区,路灯不亮").district == "城西区"


def test_a_street_tells_its_district(finder: PlaceFinder) -> None:
    place = finder.locate("虎台街道这边垃圾没人收")
    assert (place.district, place.street) == ("城西区", "虎台街道")


def test_the_last_correction_wins(finder: PlaceFinder) -> None:
    assert finder.locate("我在城东区,不对,是城北区").district == "城北区"


def test_a_denied_place_does_not_count(finder: PlaceFinder) -> None:
    assert finder.locate("不是城中区,是城东区的").district == "城东区"


def test_a_place_said_for_comparison_does_not_count(finder: PlaceFinder) -> None:
    assert finder.locate("人家城西区都通了,我们城北区还没有").district == "城北区"


def test_a_homonym_stays_open_and_is_asked_about(finder: PlaceFinder) -> None:
    place = finder.locate("城关镇这边停水了")
    assert place.district == ""
    assert len(place.candidates) > 1
    assert all(c in place.ask for c in place.candidates)


def test_a_homonym_is_decided_by_the_district(finder: PlaceFinder) -> None:
    assert finder.locate("湟源县城关镇停水了").district == "湟源县"


def test_an_unknown_place_is_asked_for(finder: PlaceFinder) -> None:
    place = finder.locate("我们这儿停水了")
    assert place.district == ""
    assert place.ask


def test_a_name_written_by_its_sound_is_found(finder: PlaceFinder) -> None:
    assert finder.locate("运家口这边路烂了").district == finder.locate("韵家口这边路烂了").district == "城东区"


def test_every_street_of_the_list_is_located(finder: PlaceFinder) -> None:
    streets = [p for p in load_catalog(catalog_dir()).places if p.kind == "street"]
    for street in streets:
        place = finder.locate(f"{street.district}{street.name}有人占道")
        assert place.district == street.district, street.name

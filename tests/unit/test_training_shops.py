"""What the models are taught besides hard questions: certain ones, and ones that are nothing to a shop."""

from __future__ import annotations

import pytest

from app.chat.language import language_of
from app.knowledge.chunk import Kind
from eval.training_shops import TrainingShop, kept_apart, off_subject, read_training_shops, self_asked


@pytest.fixture(scope="module")
def shops() -> list[TrainingShop]:
    return read_training_shops()


def test_every_answer_of_every_shop_names_a_chunk_of_it(shops: list[TrainingShop]) -> None:
    for shop in shops:
        known = {chunk.document_id for chunk in shop.chunks}
        assert {source.path for sample in shop.samples for source in sample.sources} <= known, shop.name


def test_no_shop_has_two_questions_alike(shops: list[TrainingShop]) -> None:
    for shop in shops:
        asked = [sample.question for sample in shop.samples]
        assert len(asked) == len(set(asked)), shop.name


def test_a_question_asked_of_itself_is_a_phrasing_of_its_source(shops: list[TrainingShop]) -> None:
    shop = shops[0]
    chunks = {(chunk.path, chunk.locator): chunk for chunk in shop.chunks}
    for sample in self_asked(shop.chunks, 4):
        source = chunks[sample.sources[0].path, sample.sources[0].locator]
        assert source.kind is Kind.PRODUCT or sample.question in (source.title, *source.phrasings)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_questions_off_the_subject_are_in_the_shops_language_and_have_no_answer(language: str) -> None:
    asked = off_subject(language, 20)
    assert len({sample.question for sample in asked}) == 20
    assert not any(sample.answerable for sample in asked)
    assert {language_of(sample.question, "") for sample in asked} == {language}


def test_shops_are_asked_different_things_off_the_subject() -> None:
    assert off_subject("en", 5, seed=1) != off_subject("en", 5, seed=2)


def test_shops_kept_apart_are_training_shops_and_not_all_of_them(shops: list[TrainingShop]) -> None:
    names = {shop.name for shop in shops}
    assert 50 < len(kept_apart() & names) < len(names) / 2
    assert kept_apart() <= names


def test_what_was_said_before_goes_with_the_question(shops: list[TrainingShop]) -> None:
    shop, sample = next((shop, s) for shop in shops for s in shop.samples if s.history)
    assert shop.turn(sample).history == sample.history
    assert sample.history[0].role == "user"

"""A trimmed vocabulary says the same about prompts, and knows no unknown words that it knew
before."""

import pytest

torch = pytest.importorskip("torch", reason="export needs torch: pip install 'antiphon[train]'")

from engine.errors import BackendMissing
from export.vocabulary import FREQUENT, trim
from models import minilm

PROMPTS = [
    "slow reggae, 75 bpm, D minor, bass and drums",
    "A wistful Hebridean air on the bagpipes, café noise behind it!",
    "zydeco accordion",
]


@pytest.fixture(scope="module")
def published():
    try:
        return minilm.load_tokenizer(), minilm.load()
    except BackendMissing as missing:
        pytest.skip(str(missing))


def test_prompts_keep_their_vectors(published):
    tokenizer, encoder = published
    small_tokenizer, small = trim(tokenizer, encoder, PROMPTS)
    for prompt in PROMPTS:
        before = encoder(*minilm.batch_ids(tokenizer, [prompt]))
        after = small(*minilm.batch_ids(small_tokenizer, [prompt]))
        torch.testing.assert_close(before, after, atol=1e-6, rtol=0)


def test_a_third_of_the_table_goes(published):
    _, small = trim(*published, PROMPTS)
    assert small.config.vocab_size < FREQUENT + 100


def test_rare_words_fall_apart_instead_of_getting_lost(published):
    tokenizer, _ = trim(*published, PROMPTS)
    for word in ("theremin", "chiaroscuro", "sousaphone", "xylophonist"):
        assert "[UNK]" not in tokenizer.encode(word).tokens


def test_a_long_prompt_is_still_cut(published):
    tokenizer, _ = trim(*published, PROMPTS)
    assert len(tokenizer.encode("piano " * 500).ids) == minilm.MAX_PIECES

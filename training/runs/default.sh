#!/usr/bin/env bash
# From nothing to trained models: corpus, codec, semantic tokenizer, MuLan, its judge, tokens, language model.
# Every step resumes or is quick to repeat. HOURS of music and SCALE (times each trainer's minutes) are the two dials;
# with the defaults it takes about as long as the minutes below add up to, beside the rendering of the corpus.
# Run from the top folder, by `make train`.
set -euo pipefail
hours=${HOURS:-8}
scale=${SCALE:-1}
python=.venv/bin/python
minutes() { "$python" -c "print($1 * $scale)"; }

.venv/bin/python -m training.corpus --split train --hours "$hours"
.venv/bin/python -m training.corpus --split valid --hours "$("$python" -c "print($hours / 20)")"
for split in train valid; do
  .venv/bin/python -m training.data "data/corpus/$split" "data/prepared/$split" --rate 24000 --channels 1
done

.venv/bin/python -m training.train_codec --budget-minutes "$(minutes 30)"
.venv/bin/python -m training.train_semantic --budget-minutes "$(minutes 8)"
.venv/bin/python -m training.train_mulan --budget-minutes "$(minutes 5)" --seed 1
.venv/bin/python -m training.train_mulan --budget-minutes "$(minutes 5)" --seed 2 --judge --out data/runs/judge
for split in train valid; do
  .venv/bin/python -m training.make_tokens --data "data/prepared/$split"
done
.venv/bin/python -m training.train_lm --budget-minutes "$(minutes 40)"

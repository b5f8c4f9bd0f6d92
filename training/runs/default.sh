#!/usr/bin/env bash
# From nothing to a bundle: corpus, codec, semantic tokenizer, MuLan, its judge, tokens, upmix, language model, export.
# Every step resumes or is quick to repeat. HOURS of music and SCALE (times each trainer's minutes) are the two dials;
# with the defaults it takes about as long as the minutes below add up to, beside the rendering of the corpus.
# Run from the top folder, by `make train`.
set -euo pipefail
hours=${HOURS:-14}
scale=${SCALE:-1}
python=.venv/bin/python
minutes() { "$python" -c "print($1 * $scale)"; }

"$python" -m training.corpus --split train --hours "$hours" --no-stems
"$python" -m training.corpus --split valid --hours "$("$python" -c "print($hours / 25)")" --no-stems
for split in train valid; do
  "$python" -m training.data "data/corpus/$split" "data/prepared/$split" --rate 24000 --channels 1
done

"$python" -m training.train_codec --budget-minutes "$(minutes 35)"
"$python" -m training.train_semantic --budget-minutes "$(minutes 11)"
"$python" -m training.train_mulan --budget-minutes "$(minutes 7)" --seed 1
"$python" -m training.train_mulan --budget-minutes "$(minutes 7)" --seed 2 --judge --out data/runs/judge
for split in train valid; do
  "$python" -m training.make_tokens --data "data/prepared/$split"
  "$python" -m training.make_styles --data "data/prepared/$split"
done
for split in train valid; do
  "$python" -m training.make_places --data "data/prepared/$split" --corpus "data/corpus/$split"
done
"$python" -m training.train_upmix --budget-minutes "$(minutes 20)"
"$python" -m training.train_lm --budget-minutes "$(minutes 189)"
"$python" -m training.material
"$python" -m export --out bundles/default

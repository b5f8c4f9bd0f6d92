#!/usr/bin/env bash
# From a bundle to a better one: its weights, more music, and some more minutes for the language model.
# BUNDLE is what to go on from, HOURS how much music, MINUTES how long to train, OUT where the new bundle goes.
# Every step resumes or is quick to repeat. Run from the top folder.
set -euo pipefail
bundle=${BUNDLE:-bundles/default}
hours=${HOURS:-14}
minutes=${MINUTES:-75}
out=${OUT:-out/bundle}
python=.venv/bin/python

if [ ! -e data/runs/lm ]; then "$python" -m training.unpack "$bundle"; fi
"$python" -m training.corpus --split train --hours "$hours" --no-stems
"$python" -m training.corpus --split valid --hours "$("$python" -c "print($hours / 25)")" --no-stems
for split in train valid; do
  "$python" -m training.data "data/corpus/$split" "data/prepared/$split" --rate 24000 --channels 1
  "$python" -m training.make_tokens --data "data/prepared/$split"
  "$python" -m training.make_styles --data "data/prepared/$split"
done
"$python" -m training.train_lm --budget-minutes "$minutes"
"$python" -m training.material
if [ -e data/runs/upmix ]; then mono=(); else mono=(--mono); fi # as the bundle is that it goes on from
"$python" -m export --out "$out" "${mono[@]}"

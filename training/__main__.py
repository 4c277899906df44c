"""python -m training --minutes 90: make the built-in cross-encoder again, from the pairs to the weights.

Mines the candidates (once), trains (going on from a checkpoint where there is one), calibrates, and writes
core/models/reranker. Stopped at any time, it goes on from the last checkpoint when called again.
"""

from training.finish import finish
from training.options import options
from training.prepare import prepare
from training.train import Run

if __name__ == "__main__":
    chosen, data = options()
    prepare(data, chosen.work, chosen.seed)
    run = Run(chosen)
    run.go()
    finish(run)

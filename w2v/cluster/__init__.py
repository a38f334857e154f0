"""One training on many machines: Ray carries it, w2v/training does the work on each.

The files, in the order in which they come into play: `session` (start or join Ray), `files` and `chunks` (the corpus in
line-aligned parts), `vocabulary` (counted on all nodes), `leases` (who trains which part), `replica` (one node's model
and threads), `schedule`, `shadow`, `effort` and `combine` (which rows are exchanged when, and how changes are put
together), `node` (the Ray actor around a replica), `coordinator` (the loop that drives all of them), `run` (from files
to vectors). Nothing here imports Ray before a cluster is wished for.
"""

"""One training on many machines: Ray carries it, w2v/training does the work on each.

`run` leads from files to vectors. It starts or joins Ray (`session`, `authentication`), cuts the corpus into parts that
begin and end with a line (`files`, `chunks`, `packed`), has all nodes count them (`counting`, `vocabulary`), and lets
the `coordinator` drive the training: on each node is an actor (`node`, `node_manager`, `members`) with a model and
threads (`replica`), to which chunks are leased (`leases`). Nodes exchange what they have changed (`exchange`): which
rows and when (`schedule`), what each has in common with the others (`synced_rows`), how changes are put together
(`combine`). Nothing here imports Ray before it is needed.
"""

r"""Ids and rows to changed rows: the training loop, its tables, and the memory that it works on.

No files, no threads, and no Python while the loop runs. One thread calls `train` with its own `Worker` for a span of
ids, 2 to 20 ms of work; all threads share one `Model`.

What one centre word goes through
---------------------------------

::

    span of ids    ... -1   the   quick   brown   fox   jumps   over   the   dog   -1 ...           train_span
                             |      |       |      |      |       |     |     |
    subsample               (x)   quick   brown   fox   jumps   over   (x)   dog                    subsample
                                    |       |      |      |       |
    window, reach 2                 '---.---'    centre   '---.---'                                 draw_reach
                                        |          |          |
                                    contexts       |       contexts                                 collect_contexts
                                        '----------|----------'
                                        |          '--------------.
                                        |                         |   fox (label 1) and negatives   collect_outputs
                                        v                         v   (label 0), or the nodes on
                              n input rows A              m output rows O   fox's Huffman path
                              in[0]  quick                out[0]  fox
                              in[1]  brown                out[1]  a negative
                              in[2]  jumps                  ...
                              in[3]  over                 out[5]  a negative
                                        |                         |
    one block (simd.h)                  |                         |
                                        '--->   S = O A^T   <-----'                                 pass 1
                                          G = lr (y - sigmoid(S)), the loss
                                        .-------------'-----------.
                                        v                         v
                            A_j += sum_i G_ij O_i     O_i += sum_j G_ij A_j                         pass 2
                                       (with the old values of the other side)

Then comes the next centre. CBOW has one input row, the mean of the contexts, and gives its change to each of them. With
shared negatives it takes two neighbouring centres at a time (train_two_centres): two means against both centres and
their negatives, so that the contexts of both, most of them, are read and changed once.

The letters of simd.h
---------------------

======================  ============================================================================================
``n``, ``m``            input rows (contexts, at most BLOCK_INPUTS = 12) and output rows of a block
``A``, ``O``            those rows, ``in[j]`` and ``out[i]``; ``j`` and ``i`` count them
``y``, ``label_signs``  labels; a label of 1 turns the sign of its dot product, which makes both labels one case
``S``, ``dots``         dot products [m, n], each a vector until its horizontal sum
``G``, ``gradients``    learning rate x error [m, n]
``k``                   a column, in steps of WIDTH floats; ``columns`` of a row may differ from 0
``WIDTH``               floats of a vector: 4, 8 or 16 (vec.h); ``LANES``, 16, is that of the widest
``g``                   output rows of a tile of pass 1, whose n x g dot products stay in ACCUMULATORS registers
``c``                   rows or vectors that are left of a loop, or that a function takes at once
``cut``                 up to BLOCK_OUTPUTS = 6 output rows that pass 2 takes at a time; ``waiting`` holds the changes
                        of the input rows between two cuts
``p``                   a pair (i, j), as gradients are counted: p = i n + j
======================  ============================================================================================

One shape worked out: n = 6, m = 6, dim 100
-------------------------------------------

Three contexts to each side and five negatives, the usual case. A row is padded to 112 floats, 7 cache lines; of these
``columns`` are worked on.

=============================  ==========================  ==========================  ==========================
..                             baseline, 4 floats          AVX2, 8 floats              AVX-512, 16 floats
=============================  ==========================  ==========================  ==========================
columns, vectors of a row      100, 25                     104, 13                     112, 7
pass 1: tiles of S             3 of 6 x 2                  3 of 6 x 2                  2 of 6 x 3
pass 1: rows loaded            3 x (6 + 2) = 24            24                          2 x (6 + 3) = 18
pass 1: multiply-adds          36 x 25 = 900               36 x 13 = 468               36 x 7 = 252
horizontal sums, sigmoids      9 vectors of 4 pairs        5 of 8                      3 of 16
pass 2: cuts                   1, ``apply(6, ONLY, 6)``    1                           1
pass 2: multiply-adds          2 x 900                     2 x 468                     2 x 252
=============================  ==========================  ==========================  ==========================

36 x 100 x 3 multiply-adds that count; every row is read from memory once and written once.

Where private rows come in
--------------------------

The rows of the most frequent words are wanted by every thread at once, and a row that another core has just written
takes 40 to 200 ns to come over. So each worker keeps copies of the first rows of both matrices (`PrivateRows`), and
``row_of`` is the one place that says where a row is::

    row < count ?   copies[row]  :  matrix[row]           no branch: matrix + row + (row < count) x offset

After a block, ``count_updates`` counts; after ``merge_after`` updates of a row ``merge_row`` adds ``copy - base`` to
the shared row and goes on from the sum, which holds what the others have added; ``flush`` does so for all of them.

What tests it
-------------

tests/kernel/reference.py is the same training in plain Python and NumPy, which takes its random numbers in the same
order; tests/kernel/test_kernels.py compares every kernel with it, tests/kernel/test_gradients.py the reference with
differences. scripts/digests.py prints what one thread writes; scripts/bench/centre.c times the parts alone.

The files
---------

======================  ============================================================================================
_loop.pxi               the loop from a span to a centre; _loop_baseline, _loop_avx2 and _loop_avx512 compile it
simd.h, vec.h           one block, and the vectors that it is written in
_state                  Model and Worker: all memory that the loop points into; block.h has the sizes
_tables, tables, rng.h  what is looked up, and the only random numbers
kernels, _cpu           which kernels there are, and which one runs here
_lanes, _rounds.pxi     lanes in rounds: the same bytes with any number of threads; lanes.h has the steps
_composed.pxi           the loop with subwords: rows of a word and its n-grams, made and scattered by compose.h
_samples                the loop's own draws and numbers, returned instead of used, to be looked at
======================  ============================================================================================
"""

"""What the training loop draws from a sentence, without the training: the loop's own functions, compiled once more."""
include "_loop.pxi"


def draw(Worker worker, const int32_t[::1] sentence):
    """Draw one sentence as `train` would; the worker's random state, pool and counters move on just as far.

    `sentence` int32 [n], without the -1. Returns (kept, centres): places of the words that subsampling left, and for
    each of them, unless it is alone, (reach, outputs): words of the window to each side, and the output rows with their
    labels, ((row, label), ...): one such tuple for all contexts, or one a context where each draws its state.
    """
    cdef ModelState *model = &worker.model.state
    cdef WorkerState *state = &worker.state
    cdef int64_t i, count = sentence.shape[0], length = 0
    if count > LONGEST_SENTENCE:
        raise ValueError(f"the sentence has {count} words, more than {LONGEST_SENTENCE}")
    kept = []
    for i in range(count):  # one word at a time tells which ones were dropped, and takes the same random numbers
        if not 0 <= sentence[i] < model.vocab_size:
            raise ValueError(f"there is no word {sentence[i]}")
        if subsample(model, state, &sentence[i], 1):
            kept.append(i)
    length = len(kept)
    for i in range(length):
        state.sentence[i] = sentence[kept[i]]
    if length < 2:
        state.alone += length
        return kept, []
    centres = [draw_centre(model, state, length, i) for i in range(length)]
    state.trained += length
    return kept, centres


cdef draw_centre(const ModelState *model, WorkerState *state, int64_t length, int64_t i):
    """What train_centre draws, in its order."""
    cdef uint64_t bits = rng_next(&state.random)
    cdef int64_t reach = draw_reach(model, bits)
    cdef int32_t centre = state.sentence[i]
    cdef int count = collect_contexts(model, state, length, i, reach)
    if model.pool_size:
        refresh_pool(model, state, <uint32_t>bits)
    if model.cbow:
        outputs = [draw_outputs(model, state, centre, 1)]
    elif model.share_negatives:
        outputs = [draw_outputs(model, state, centre, count)]
    else:
        outputs = [draw_outputs(model, state, centre, 1) for _ in range(count)]
    return reach, outputs


cdef draw_outputs(const ModelState *model, WorkerState *state, int32_t centre, int inputs):
    """The output rows that `inputs` input rows are trained against."""
    cdef int k, m = collect_outputs(model, state, centre)
    state.examples += m * inputs
    if model.negative:  # the centre comes first
        return tuple([(state.drawn[k], int(k == 0)) for k in range(m)])
    return tuple([(state.drawn[k], <int>(state.label_signs[k] != 0)) for k in range(m)])

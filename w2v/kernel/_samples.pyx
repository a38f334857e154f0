"""What the training loop draws from a sentence, and what it computes: the loop's own functions, compiled once more."""
import numpy as np

include "_loop.pxi"
include "_composed.pxi"


def draw(Worker worker, const int32_t[::1] sentence):
    """Draw one sentence as `train` would; the worker's random state, pool and counters move on just as far.

    `sentence` int32 [n], without the -1. Returns (kept, centres): places of the words that subsampling left, and for
    each of them, unless it is alone, (reach, outputs): words of the window to each side, and the output rows with their
    labels, ((row, label), ...): one such tuple for all contexts, or one a context where each draws its own.
    """
    cdef ModelState *model = &worker.model.state
    cdef WorkerState *state = &worker.state
    kept = keep_words(model, state, sentence)
    cdef int64_t i, length = len(kept)
    if length < 2:
        return kept, []
    centres = []
    while len(centres) < length:
        i = len(centres)
        centres += draw_two(model, state, length, i) if by_two(model) and i + 1 < length else [
            draw_centre(model, state, length, i)]
    state.trained += length
    return kept, centres


cdef list draw_two(const ModelState *model, WorkerState *state, int64_t length, int64_t i):
    """What train_two_centres draws, as draw_centre gives it for each of them."""
    cdef TwoCentres two
    cdef int64_t reach[2]
    cdef const float *fresh
    cdef int s, m = draw_two_centres(model, state, &two, reach, &fresh, length, i)
    state.examples += 2 * m - 2
    return [(reach[s], [tuple(labels_of_two(state, m, s))]) for s in range(2)]


cdef list labels_of_two(const WorkerState *state, int m, int s):
    """(row, label) of the s-th of two centres and their negatives."""
    cdef int k
    return [(state.drawn[s], 1)] + [(state.drawn[k], 0) for k in range(2, m)]


cdef list keep_words(const ModelState *model, WorkerState *state, const int32_t[::1] sentence):
    """Places of the words that subsampling leaves; they become the worker's sentence, or are counted as alone."""
    cdef int64_t i, count = sentence.shape[0]
    if count > LONGEST_SENTENCE:
        raise ValueError(f"the sentence has {count} words, more than {LONGEST_SENTENCE}")
    kept = []
    for i in range(count):  # one word at a time tells which ones were dropped, and takes the same random numbers
        if not 0 <= sentence[i] < model.vocab_size:
            raise ValueError(f"there is no word {sentence[i]}")
        if subsample(model, state, &sentence[i], 1):
            kept.append(i)
    for i in range(len(kept)):
        state.sentence[i] = sentence[kept[i]]
    if len(kept) < 2:
        state.alone += len(kept)
    return kept


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
    cdef int m = collect_outputs(model, state, centre)
    state.examples += m * inputs
    return tuple(output_labels(model, state, m))


cdef list output_labels(const ModelState *model, const WorkerState *state, int m):
    """(row, label) of the m output rows that are drawn. Of negative sampling the centre comes first."""
    cdef int k
    if model.negative:
        return [(state.drawn[k], <int>(k == 0)) for k in range(m)]
    return [(state.drawn[k], <int>(state.label_signs[k] != 0)) for k in range(m)]


def draw_windows(Worker worker, const int32_t[::1] ids, int64_t start, int64_t stop):
    """The windows of the span ids[start:stop], which starts at a sentence and ends with -1, and no negatives.

    Sentences that are held out are left out, and the worker's counters of tokens move on as in `train`. Returns
    centres int32 [n], ends int64 [n] and contexts int32 [ends[-1]]: those of centre i end at ends[i].
    """
    cdef ModelState *model = &worker.model.state
    cdef WorkerState *state = &worker.state
    if not 0 <= start <= stop <= ids.shape[0]:
        raise ValueError(f"span {start}:{stop} is not inside 0:{ids.shape[0]}")
    cdef int32_t[::1] centres = np.empty(stop - start, np.int32)
    cdef int64_t[::1] ends = np.empty(stop - start, np.int64)
    cdef int32_t[::1] contexts = np.empty((stop - start) * min(2 * model.window, stop - start), np.int32)
    cdef int64_t first = start, last, place, length, i, drawn = 0, total = 0
    cdef int count, k
    for last in range(start, stop):
        if ids[last] >= model.vocab_size:
            raise ValueError(f"there is no word {ids[last]}")
        if ids[last] >= 0:
            continue
        place, first = first, last + 1
        if rng_held_out(state.held_out_seed, place, state.held_out):
            continue
        while place < last:
            length = subsample(model, state, &ids[place], min(last - place, <int64_t>LONGEST_SENTENCE))
            place += min(last - place, <int64_t>LONGEST_SENTENCE)
            if length < 2:
                state.alone += length
                continue
            for i in range(length):
                count = collect_contexts(model, state, length, i, draw_reach(model, rng_next(&state.random)))
                for k in range(count):
                    contexts[total + k] = state.context_ids[k]
                total += count
                centres[drawn] = state.sentence[i]
                ends[drawn] = total
                drawn += 1
            state.trained += length
    return np.asarray(centres)[:drawn], np.asarray(ends)[:drawn], np.asarray(contexts)[:total]


def trace(Worker worker, const int32_t[::1] sentence, float lr):
    """Train on one sentence as `train` does, and return every number: the same vectors, random numbers and counters.

    `sentence` int32 [n], without the -1; `lr` above 0. The worker keeps no private rows. Returns (kept, centres) as
    `draw`; a centre is (reach, updates), and an update (words, outputs, inputs_before, outputs_before, errors,
    inputs_after, outputs_after): ids of the n input rows, m output rows with their labels, float32 [n, dim] and
    [m, dim], and label minus sigmoid, float32 [m, n], or [m, 1] for CBOW, whose only input is the mean of its n rows.
    """
    cdef ModelState *model = &worker.model.state
    cdef WorkerState *state = &worker.state
    cdef Block block
    if not lr > 0:
        raise ValueError(f"the learning rate is {lr}, not above 0")
    if state.private_inputs.count or state.private_outputs.count:
        raise ValueError("the worker keeps private rows")
    kept = keep_words(model, state, sentence)
    cdef int64_t i, length = len(kept)
    if length < 2:
        return kept, []
    set_up_block(model, state, &block, lr)
    for i in range(FETCHED):
        block.fetch[i] = state.mean
    centres = []
    while len(centres) < length:
        i = len(centres)
        centres += trace_two(model, state, &block, length, i) if by_two(model) and i + 1 < length else [
            trace_centre(model, state, &block, length, i)]
    state.trained += length
    loss_drain(&state.loss)
    return kept, centres


cdef trace_centre(const ModelState *model, WorkerState *state, Block *block, int64_t length, int64_t i):
    """train_centre, with a copy of the rows before and after each update."""
    cdef uint64_t bits = rng_next(&state.random)
    cdef int64_t reach = draw_reach(model, bits)
    cdef int32_t centre = state.sentence[i]
    cdef int count = collect_contexts(model, state, length, i, reach), done = 0, n, blocks, most = BLOCK_INPUTS
    if model.pool_size:
        refresh_pool(model, state, <uint32_t>bits)
    if model.cbow:
        most = count
    elif not model.share_negatives:
        most = 1
    blocks = (count + most - 1) // most
    updates = []
    while done < count:
        if done == 0 or not model.share_negatives:
            block.m = collect_outputs(model, state, centre)
        n = (count - done + blocks - 1) // blocks  # blocks of about the same size, as in train_skipgram
        blocks -= 1
        updates.append(trace_update(model, state, block, done, n))
        done += n
    return reach, updates


cdef trace_update(const ModelState *model, WorkerState *state, Block *block, int first, int n):
    """One update of `n` contexts, from the first-th on, and the present output rows."""
    cdef int j, k, inputs = 1 if model.cbow else n
    words = [state.context_ids[first + j] for j in range(n)]
    before = copied(state.contexts + first, n, model.dim), copied(block.out, block.m, model.dim)
    if model.cbow:
        block_cbow(block, state.contexts, n, state.mean, 1.0 / n if model.exact_cbow else 1.0)
    else:
        block.n = n
        for j in range(n):
            block.in_[j] = state.contexts[first + j]
        block_skipgram(block)
    state.examples += inputs * block.m
    errors = np.array([block.gradients[k] for k in range(block.m * inputs)], np.float32) / np.float32(block.lr)
    after = copied(state.contexts + first, n, model.dim), copied(block.out, block.m, model.dim)
    return (words, output_labels(model, state, block.m), *before, errors.reshape(block.m, inputs), *after)


cdef list trace_two(const ModelState *model, WorkerState *state, Block *block, int64_t length, int64_t i):
    """train_two_centres, as trace_centre gives it for each of them; rows of both have both changes after it."""
    cdef TwoCentres two
    cdef int64_t reach[2]
    cdef int s
    block.m = draw_two_centres(model, state, &two, reach, &block.fetch[4], length, i)
    block.fetch[4] = state.mean
    shared = list(range(two.shared))
    inside = [shared + list(range(two.shared, two.ends[0])), shared + list(range(two.ends[0], two.ends[1]))]
    for places in inside:
        places.sort(key=lambda k: state.context_places[<int>k])
    outputs = [[s, *range(2, block.m)] for s in range(2)]
    before = [
        (rows_at(two.contexts, inside[s], model.dim), rows_at(block.out, outputs[s], model.dim)) for s in range(2)]
    block_cbow_two(block, &two)
    state.examples += 2 * block.m - 2
    found = []
    for s in range(2):
        errors = np.array([[block.gradients[2 * k + s]] for k in outputs[s]], np.float32) / np.float32(block.lr)
        after = rows_at(two.contexts, inside[s], model.dim), rows_at(block.out, outputs[s], model.dim)
        words = [state.context_ids[k] for k in inside[s]]
        found.append((reach[s], [(words, labels_of_two(state, block.m, s), *before[s], errors, *after)]))
    return found


cdef rows_at(float **rows, list places, int64_t dim):
    """float32 [places, dim]"""
    return np.array([<float[:dim]>rows[<int>k] for k in places], np.float32).reshape(len(places), dim)


cdef copied(float **rows, int count, int64_t dim):
    """float32 [count, dim]"""
    return np.array([<float[:dim]>rows[k] for k in range(count)], np.float32).reshape(count, dim)

# The part of the training loop that only subwords need: a word's row is made of its parts when it enters the window,
# and its change goes to them when it leaves. Frequent words have a row for their vector, and share with their parts now
# and then. What rows are made and scattered with is in compose.h.
cdef extern from "compose.h":
    void compose_row(const float *matrix, int64_t stride, int64_t columns, const int32_t *parts, const float *weights,
                     int count, float *row, float *base) noexcept nogil
    void scatter_row(float *matrix, int64_t stride, int64_t columns, const int32_t *parts, int count, const float *row,
                     const float *base) noexcept nogil
    void prefetch_part(const float *row, int64_t stride) noexcept nogil


cdef void train_composed(const ModelState *model, WorkerState *worker, Block *block, int64_t length) noexcept nogil:
    """The words of a sentence with subwords: each has a row of its own while it is in the window."""
    cdef int64_t i, window = model.window
    if model.whole_count:
        worker.composed.shared = rng_next(&worker.random)
    for i in range(min(window, length)):
        enter_window(model, worker, block, i)
    for i in range(length):
        fetch_parts(model, worker, length, i)
        fetch_ahead(model, worker, block, length, i)
        if i > window:
            leave_window(model, worker, block, i - window - 1)
        if i + window < length:
            enter_window(model, worker, block, i + window)
        train_centre(model, worker, block, length, i)
        if i % DRAIN_EVERY == 0:
            loss_drain(&worker.loss)
    for i in range(max(0, length - window - 1), length):
        leave_window(model, worker, block, i)


cdef inline int collect_composed(
    const ModelState *model, WorkerState *worker, int64_t length, int64_t i, int64_t reach
) noexcept nogil:
    """As collect_contexts, with rows that have been made when their words entered the window."""
    cdef int64_t first, last, j
    cdef int count = 0
    first = i - reach if i > reach else 0
    last = i + reach if i + reach < length else length - 1
    for j in range(first, last + 1):
        if j != i:
            worker.contexts[count] = worker.composed.rows + (j & worker.composed.mask) * model.stride
            count += 1
    return count


cdef inline float *whole_row(const ModelState *model, int32_t word) noexcept nogil:
    """The row of a frequent word's vector; what its parts came to is `whole_count` rows behind it."""
    return model.inputs + (model.whole_first + word) * model.stride


cdef inline bint shares(const WorkerState *worker, int64_t i) noexcept nogil:
    """Whether the sentence's i-th word, if it has a row of its vector, shares with its parts: one in four does."""
    return (worker.composed.shared >> 2 * (i & 31)) & 3 == 0


cdef void enter_whole(const ModelState *model, WorkerState *worker, const Block *block, int64_t i) noexcept nogil:
    """A word that has a row of its vector enters the window. If it shares, what other words have changed in its parts
    since the last time is added first."""
    cdef int64_t slot = (i & worker.composed.mask) * model.stride
    cdef int32_t word = worker.sentence[i], here = 0
    cdef int64_t start = model.part_start[word]
    cdef float *row = whole_row(model, word)
    cdef float *summed = row + model.whole_count * model.stride
    if block.lr != 0 and shares(worker, i):
        compose_row(
            model.inputs, model.stride, block.columns, model.parts + start, model.weights + start,
            <int>(model.part_start[word + 1] - start), worker.composed.rows + slot, worker.composed.base + slot)
        scatter_row(row, model.stride, block.columns, &here, 1, worker.composed.rows + slot, summed)
        copy_row(summed, worker.composed.rows + slot, model.stride)
    copy_row(worker.composed.rows + slot, row, model.stride)
    copy_row(worker.composed.base + slot, row, model.stride)


cdef void leave_whole(const ModelState *model, WorkerState *worker, const Block *block, int64_t i) noexcept nogil:
    """It leaves: its change goes to the row of its vector and, if it shares, all changes since the last time go to its
    parts."""
    cdef int64_t slot = (i & worker.composed.mask) * model.stride
    cdef int32_t word = worker.sentence[i], here = 0
    cdef int64_t start = model.part_start[word]
    cdef float *row = whole_row(model, word)
    cdef float *summed = row + model.whole_count * model.stride
    scatter_row(row, model.stride, block.columns, &here, 1, worker.composed.rows + slot, worker.composed.base + slot)
    if block.lr != 0 and shares(worker, i):
        scatter_row(
            model.inputs, model.stride, block.columns, model.parts + start,
            <int>(model.part_start[word + 1] - start), row, summed)
        copy_row(summed, row, model.stride)


cdef void enter_window(const ModelState *model, WorkerState *worker, const Block *block, int64_t i) noexcept nogil:
    """The sentence's i-th word enters the window: its row is made."""
    cdef int64_t slot = (i & worker.composed.mask) * model.stride, start = model.part_start[worker.sentence[i]]
    if worker.sentence[i] < model.whole_count:
        enter_whole(model, worker, block, i)
        return
    compose_row(
        model.inputs, model.stride, block.columns, model.parts + start, model.weights + start,
        <int>(model.part_start[worker.sentence[i] + 1] - start),
        worker.composed.rows + slot, worker.composed.base + slot)


cdef void leave_window(const ModelState *model, WorkerState *worker, const Block *block, int64_t i) noexcept nogil:
    """The sentence's i-th word leaves the window: its row's change goes to its parts."""
    cdef int64_t slot = (i & worker.composed.mask) * model.stride, start = model.part_start[worker.sentence[i]]
    if worker.sentence[i] < model.whole_count:
        leave_whole(model, worker, block, i)
        return
    scatter_row(
        model.inputs, model.stride, block.columns, model.parts + start,
        <int>(model.part_start[worker.sentence[i] + 1] - start),
        worker.composed.rows + slot, worker.composed.base + slot)


cdef void fetch_parts(const ModelState *model, const WorkerState *worker, int64_t length, int64_t i) noexcept nogil:
    """Ask for the parts of the words that enter the window next, an AHEADth of each word's at every centre.

    All parts of one word at once, seventeen rows on average, would fill the core's miss buffers.
    """
    cdef int64_t enters = i + model.window + 1, ahead, start
    cdef int32_t word
    cdef int step, count, k
    if enters + 3 * AHEAD < length:
        prefetch(model.part_start + worker.sentence[enters + 3 * AHEAD])
    if enters + 2 * AHEAD < length:
        start = model.part_start[worker.sentence[enters + 2 * AHEAD]]
        prefetch(model.parts + start)
        prefetch(model.weights + start)
    for step in range(AHEAD):
        ahead = enters + AHEAD - 1 - step
        if ahead >= length:
            continue
        word = worker.sentence[ahead]
        if word < model.whole_count:
            if step == 0:
                prefetch_part(whole_row(model, word), model.stride)
            if not shares(worker, ahead):
                continue
        start = model.part_start[word]
        count = <int>(model.part_start[word + 1] - start)
        for k in range(step * count // AHEAD, (step + 1) * count // AHEAD):
            prefetch_part(model.inputs + model.parts[start + k] * model.stride, model.stride)

# The training loop, written once and compiled for each instruction set. What it does, in the order of the paper:
# subsample a sentence, and for each centre word draw a window, collect the contexts and the output rows (the centre and
# its negatives, or the nodes on its Huffman path), and let one block update train them (simd.h).
#
# Sources: Mikolov et al. 2013b (negative sampling, subsampling, hierarchical softmax); word2vec.c for what the paper
# leaves open (window drawn for each centre, keep probability, a negative equal to the centre is skipped).
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from w2v.errors import CorpusError
from w2v.kernel._lanes cimport Lane
from w2v.kernel._state cimport LONGEST_SENTENCE, LossSum, ModelState, PrivateRows, Worker, WorkerState


cdef extern from "rng.h":
    uint64_t rng_next(uint64_t *state) noexcept nogil
    uint32_t rng_below(uint32_t bits, uint32_t n) noexcept nogil
    bint rng_held_out(uint64_t seed, int64_t place, uint32_t share) noexcept nogil
    ctypedef struct AliasColumn:
        pass
    int32_t rng_alias(uint64_t bits, uint64_t n, const AliasColumn *table) noexcept nogil
    const AliasColumn *rng_column(uint64_t bits, uint64_t n, const AliasColumn *table) noexcept nogil

cdef extern from "simd.h":
    enum: BLOCK_INPUTS
    enum: LABEL_1
    enum: AHEAD
    enum: FETCHED
    enum: FETCHED_FEW
    enum: FETCHED_TWO
    enum: WIDTH
    enum: DRAIN_EVERY
    ctypedef struct Block:
        float *in_ "in"[12]
        float **out
        const int32_t *label_signs
        float *gradients
        float *dots
        int32_t *pair_signs
        float *waiting
        int n
        int m
        int frozen
        int64_t columns
        float lr
        const float *sigmoid
        LossSum *loss
        const float *fetch[9]
    ctypedef struct TwoCentres:
        float **contexts
        int shared
        int ends[2]
        float *means[2]
        float inverse[2]
        float share[2]
    void loss_drain(LossSum *loss) noexcept nogil
    void block_skipgram(Block *block) noexcept nogil
    void block_cbow(Block *block, float **contexts, int count, float *mean, float share) noexcept nogil
    void block_cbow_two(Block *block, const TwoCentres *two) noexcept nogil
    void merge_row(float *copy, float *base, float *shared, int64_t stride) noexcept nogil
    void prefetch(const void *address) noexcept nogil
    void prefetch_row(const float *row, int64_t stride) noexcept nogil
    void copy_row(float *to, const float *row, int64_t stride) noexcept nogil

cdef extern from *:
    """
    #ifdef __OPTIMIZE__
    #define W2V_OPTIMIZED 1
    #else
    #define W2V_OPTIMIZED 0
    #endif
    """
    enum: W2V_OPTIMIZED

FLOATS_AT_ONCE = <int>WIDTH  # how this copy was compiled, for the test that finds a lost flag
OPTIMIZED = bool(W2V_OPTIMIZED)


cdef inline float *row_of(const float *matrix, const PrivateRows *private, int64_t stride, int64_t row) noexcept nogil:
    """Where this thread finds a row: its private copy, or the shared matrix.

    No branch: which words are frequent is unpredictable, and a centre asks a dozen times.
    """
    return <float *>matrix + row * stride + (row < private.count) * private.offset


cdef inline void count_updates(
    float *matrix, PrivateRows *private, int64_t stride, const int32_t *rows, int count, int merge_after
) noexcept nogil:
    """After an update of `count` rows: merge the private ones that have had their share of updates."""
    cdef int k, updates, is_private, most = 0
    cdef int64_t slot
    if private.count == 0:
        return
    for k in range(count):  # no branch here either: rows that are not private count nothing in the slot past the last
        is_private = rows[k] < private.count
        slot = private.count + is_private * (rows[k] - private.count)
        updates = private.updates[slot] + is_private
        private.updates[slot] = <uint16_t>updates
        most = updates if updates > most else most
    if most < merge_after - 1:
        return
    for k in range(count):
        if rows[k] >= private.count:
            continue
        if private.updates[rows[k]] >= merge_after:
            merge_private(matrix, private, stride, rows[k])
        elif private.updates[rows[k]] == merge_after - 1:  # the merge comes with the next update: fetch what it needs
            prefetch_row(private.base + rows[k] * stride, stride)
            prefetch_row(matrix + rows[k] * stride, stride)


cdef inline void merge_private(float *matrix, PrivateRows *private, int64_t stride, int64_t row) noexcept nogil:
    merge_row(private.copies + row * stride, private.base + row * stride, matrix + row * stride, stride)
    private.updates[row] = 0


cdef int64_t subsample(
    const ModelState *model, WorkerState *worker, const int32_t *ids, int64_t count
) noexcept nogil:
    """Thin out frequent words; returns how many of the sentence's words are left in worker.sentence.

    Every id is read once and looked at: `train` has seen them all, but a mapped file may have changed since.
    """
    cdef int64_t i, kept = 0
    cdef int32_t word
    for i in range(count):
        word = ids[i]
        if <uint32_t>word >= <uint32_t>model.vocab_size:
            worker.stray_ids += 1
            continue
        worker.sentence[kept] = word
        kept += model.keep == NULL or <uint32_t>(rng_next(&worker.random) >> 32) <= model.keep[word]
    worker.subsampled += count - kept
    return kept


cdef inline int draw_negatives(const ModelState *model, WorkerState *worker, int32_t centre) noexcept nogil:
    """The centre and up to `negative` others in worker.drawn; returns how many rows there are."""
    worker.drawn[0] = centre
    return add_negatives(model, worker, 1, centre, centre, NULL)


cdef inline int add_negatives(
    const ModelState *model, WorkerState *worker, int m, int32_t centre, int32_t second, int32_t *slots
) noexcept nogil:
    """Up to `negative` words that are neither of two centres behind the `m` rows in worker.drawn; returns how many rows
    there are. `slots` becomes their places in the pool."""
    cdef int k, slot
    cdef int32_t word
    cdef uint64_t bits = 0
    if model.pool_size == 0:
        for k in range(model.negative):
            word = rng_alias(rng_next(&worker.random), model.vocab_size, <const AliasColumn *>model.alias)
            worker.drawn[m] = word
            m += (word != centre) & (word != second)
        return m
    for k in range(model.negative):
        if k & 3 == 0:
            bits = rng_next(&worker.random)
        slot = ((bits & 0xFFFF) * model.pool_size) >> 16
        word = worker.pool[slot]
        bits >>= 16
        worker.drawn[m] = word
        if slots != NULL:
            slots[m] = slot
        m += (word != centre) & (word != second)
    return m


cdef inline int32_t refresh_pool(const ModelState *model, WorkerState *worker, uint32_t slot_bits) noexcept nogil:
    """Replace one of the pool's negatives by a fresh draw; returns it, so that its row is fetched before it is picked.

    The random number was drawn one centre ago, so that its column of the table is in cache by now.
    """
    cdef int32_t word = rng_alias(worker.next_draw, model.vocab_size, <const AliasColumn *>model.alias)
    worker.next_draw = rng_next(&worker.random)
    prefetch(rng_column(worker.next_draw, model.vocab_size, <const AliasColumn *>model.alias))
    worker.pool[rng_below(slot_bits, model.pool_size)] = word
    return word


cdef int collect_outputs(const ModelState *model, WorkerState *worker, int32_t centre) noexcept nogil:
    """Output rows of one centre and their labels; returns how many."""
    cdef int m, k
    if model.negative == 0:
        m = draw_path(model, worker, centre)
    else:
        m = draw_negatives(model, worker, centre)
    for k in range(m):
        worker.out[k] = row_of(model.outputs, &worker.private_outputs, model.stride, worker.drawn[k])
    return m


cdef inline int draw_path(const ModelState *model, WorkerState *worker, int32_t centre) noexcept nogil:
    """The nodes on the centre's Huffman path in worker.drawn, and their labels; returns how many.

    Nodes near the root, which are on many paths, are thinned out as frequent words are; the last one stays, so that no
    centre is without. Nodes are in falling order of count, so behind the first that is not thinned out none is.
    """
    cdef const int32_t *path = model.path + model.path_start[centre]
    cdef int length = <int>(model.path_start[centre + 1] - model.path_start[centre])
    cdef int k = 0, m = 0
    cdef int32_t step
    cdef uint64_t bits = 0
    while k < length - 1 and path[k] >> 1 < model.thinned_nodes:
        step = path[k]
        if k & 3 == 0:
            bits = rng_next(&worker.random)
        worker.drawn[m] = step >> 1
        worker.label_signs[m] = ~step << 31
        m += (bits & 0xFFFF) < model.node_keep[step >> 1]
        bits >>= 16
        k += 1
    for k in range(k, length):
        worker.drawn[m] = path[k] >> 1
        worker.label_signs[m] = ~path[k] << 31
        m += 1
    return m


cdef inline void count_outputs(const ModelState *model, WorkerState *worker, int m) noexcept nogil:
    count_updates(model.outputs, &worker.private_outputs, model.stride, worker.drawn, m, worker.merge_after)


cdef inline int next_outputs(
    const ModelState *model, WorkerState *worker, Block *block, int32_t centre, Lane *lane
) noexcept nogil:
    """The output rows of a centre's next block; returns how many."""
    if lane != NULL:
        return planned_outputs(model, worker, block, lane)
    return collect_outputs(model, worker, centre)


cdef inline int planned_outputs(
    const ModelState *model, WorkerState *worker, Block *block, Lane *lane
) noexcept nogil:
    """The same as a lane has planned them."""
    cdef int k, m = lane.block_outputs[lane.blocks_read]
    if model.negative == 0:
        block.label_signs = lane.label_signs + lane.outputs_read
    for k in range(m):
        worker.out[k] = lane.own_outputs.places[lane.outputs[lane.outputs_read + k]]
    lane.outputs_read += m
    lane.blocks_read += 1
    return m


cdef inline void train_skipgram(
    const ModelState *model, WorkerState *worker, Block *block, int32_t centre, int count, Lane *lane
) noexcept nogil:
    """Every context of one centre against the centre's output rows, BLOCK_INPUTS contexts at a time."""
    cdef int done = 0, n, j, blocks, most = BLOCK_INPUTS
    if not model.share_negatives:  # plain word2vec: each pair draws its own
        most = 1
    blocks = (count + most - 1) // most if count > most else 1  # a division takes as long as a row
    while done < count:
        if done == 0 or not model.share_negatives:
            block.m = next_outputs(model, worker, block, centre, lane)
        n = (count - done + blocks - 1) // blocks if blocks > 1 else count - done  # blocks of about the same size
        blocks -= 1
        block.n = n
        for j in range(n):
            block.in_[j] = worker.contexts[done + j]
        block_skipgram(block)
        worker.examples += n * block.m
        if lane == NULL and (not model.share_negatives or done + n == count):
            count_outputs(model, worker, block.m)
        done += n


cdef inline int64_t draw_reach(const ModelState *model, uint64_t bits) noexcept nogil:
    """Words to each side of a centre, from the high half of `bits`."""
    return model.window if model.fixed_window else 1 + rng_below(<uint32_t>(bits >> 32), <uint32_t>model.window)


cdef inline int collect_contexts(
    const ModelState *model, WorkerState *worker, int64_t length, int64_t i, int64_t reach
) noexcept nogil:
    """The words around one centre, inside the sentence; returns how many."""
    cdef int64_t first, last, j
    cdef int32_t word
    cdef int count = 0
    first = i - reach if i > reach else 0
    last = i + reach if i + reach < length else length - 1
    for j in range(first, last + 1):
        if j != i:
            word = worker.sentence[j]
            worker.context_ids[count] = word
            worker.contexts[count] = row_of(model.inputs, &worker.private_inputs, model.stride, word)
            count += 1
    return count


cdef void train_centre(
    const ModelState *model, WorkerState *worker, Block *block, int64_t length, int64_t i
) noexcept nogil:
    cdef uint64_t bits = rng_next(&worker.random)
    cdef int32_t centre = worker.sentence[i]
    cdef int count
    if model.part_start == NULL:
        count = collect_contexts(model, worker, length, i, draw_reach(model, bits))
    else:
        count = collect_composed(model, worker, length, i, draw_reach(model, bits))
    if model.pool_size:
        block.fetch[2] = row_of(
            model.outputs, &worker.private_outputs, model.stride, refresh_pool(model, worker, <uint32_t>bits)
        )
    train_block(model, worker, block, centre, count, NULL)
    count_updates(model.inputs, &worker.private_inputs, model.stride, worker.context_ids, count, worker.merge_after)


cdef inline void train_block(
    const ModelState *model, WorkerState *worker, Block *block, int32_t centre, int count, Lane *lane
) noexcept nogil:
    """One centre with its contexts, whose rows are collected, against its output rows."""
    if not model.cbow:
        train_skipgram(model, worker, block, centre, count, lane)
        return
    block.m = next_outputs(model, worker, block, centre, lane)
    block_cbow(block, worker.contexts, count, worker.mean, 1.0 / count if model.exact_cbow else 1.0)
    worker.examples += block.m
    if lane == NULL:
        count_outputs(model, worker, block.m)


cdef inline bint by_two(const ModelState *model) noexcept nogil:
    """Whether centres are trained two at a time: CBOW with negatives that are shared, which only matters there."""
    return (
        model.cbow and model.negative and model.share_negatives and model.part_start == NULL and not model.frozen
    )


cdef int draw_two_centres(
    const ModelState *model, WorkerState *worker, TwoCentres *two, int64_t *reach, const float **fresh, int64_t length,
    int64_t i
) noexcept nogil:
    """Windows, contexts and output rows of centres i and i + 1; returns how many output rows.

    `fresh` becomes the row of the negative that has entered the pool.
    """
    cdef uint64_t bits = rng_next(&worker.random)
    cdef int64_t first[2]
    cdef int64_t last[2]
    cdef int k, m, s
    fresh[0] = worker.mean
    reach[0] = draw_reach(model, bits)
    reach[1] = draw_reach(model, rng_next(&worker.random))
    for s in range(2):
        first[s] = max(0, i + s - reach[s])
        last[s] = min(i + s + reach[s], length - 1)
    collect_two_contexts(model, worker, two, first, last, i, NULL)
    if model.pool_size:
        fresh[0] = row_of(
            model.outputs, &worker.private_outputs, model.stride, refresh_pool(model, worker, <uint32_t>bits))
    worker.drawn[0] = worker.sentence[i]
    worker.drawn[1] = worker.sentence[i + 1]
    m = add_negatives(model, worker, 2, worker.drawn[0], worker.drawn[1], NULL)
    for k in range(m):
        worker.out[k] = row_of(model.outputs, &worker.private_outputs, model.stride, worker.drawn[k])
    return m


cdef inline void collect_two_contexts(
    const ModelState *model, WorkerState *worker, TwoCentres *two, const int64_t *first, const int64_t *last, int64_t i,
    float *const *rows
) noexcept nogil:
    """The words in the windows of centres i and i + 1; each centre is in the other's window. `rows` are those of the
    sentence's words where they are known."""
    cdef int64_t inner_first = max(first[0], first[1]), inner_last = min(last[0], last[1])
    cdef int count, s
    count = add_contexts(model, worker, 0, inner_first, i, rows)
    two.shared = count = add_contexts(model, worker, count, i + 2, inner_last + 1, rows)
    count = add_contexts(model, worker, count, i + 1, i + 2, rows)
    count = add_contexts(model, worker, count, first[0], inner_first, rows)
    two.ends[0] = count = add_contexts(model, worker, count, inner_last + 1, last[0] + 1, rows)
    count = add_contexts(model, worker, count, i, i + 1, rows)
    count = add_contexts(model, worker, count, first[1], inner_first, rows)
    two.ends[1] = add_contexts(model, worker, count, inner_last + 1, last[1] + 1, rows)
    two.contexts = worker.contexts
    for s in range(2):
        two.inverse[s] = 1.0 / (last[s] - first[s])
        two.means[s] = worker.mean + s * model.stride
        two.share[s] = two.inverse[s] if model.exact_cbow else 1


cdef inline int add_contexts(
    const ModelState *model, WorkerState *worker, int count, int64_t first, int64_t stop, float *const *rows
) noexcept nogil:
    """The sentence's words first..stop-1 behind `count` contexts; returns how many there are."""
    cdef int64_t j
    for j in range(first, stop):
        if rows != NULL:
            worker.contexts[count] = rows[j]
        else:
            worker.context_ids[count] = worker.sentence[j]
            worker.context_places[count] = <int32_t>j
            worker.contexts[count] = row_of(model.inputs, &worker.private_inputs, model.stride, worker.sentence[j])
        count += 1
    return count


cdef void train_two_centres(
    const ModelState *model, WorkerState *worker, Block *block, int64_t length, int64_t i
) noexcept nogil:
    cdef TwoCentres two
    cdef int64_t reach[2]
    block.m = draw_two_centres(model, worker, &two, reach, &block.fetch[4], length, i)
    train_block_of_two(worker, block, &two)
    count_outputs(model, worker, block.m)
    count_updates(
        model.inputs, &worker.private_inputs, model.stride, worker.context_ids, two.ends[1], worker.merge_after)


cdef inline void train_block_of_two(WorkerState *worker, Block *block, const TwoCentres *two) noexcept nogil:
    """Two centres with their contexts, whose rows are collected, against their output rows."""
    block_cbow_two(block, two)
    worker.examples += 2 * block.m - 2


cdef inline void fetch_two_ahead(
    const ModelState *model, const WorkerState *worker, Block *block, int64_t length, int64_t i
) noexcept nogil:
    """As fetch_ahead, for centres i and i + 1."""
    cdef int64_t enters = i + model.window + AHEAD, centre = i + AHEAD, s
    cdef int q
    for q in range(4):
        block.fetch[q] = worker.mean
    for s in range(2):
        if enters + s < length:
            block.fetch[s] = row_of(model.inputs, &worker.private_inputs, model.stride, worker.sentence[enters + s])
        if centre + s < length:
            block.fetch[2 + s] = row_of(
                model.outputs, &worker.private_outputs, model.stride, worker.sentence[centre + s])


cdef inline void fetch_ahead(
    const ModelState *model, const WorkerState *worker, Block *block, int64_t length, int64_t i
) noexcept nogil:
    """Name the rows that the next centres need and that are not in cache yet: the context that enters the window and
    the centre's own output row, AHEAD centres ahead."""
    cdef int64_t enters = i + model.window + AHEAD, centre = i + AHEAD
    cdef int q
    for q in range(FETCHED if model.negative == 0 else FETCHED_FEW):
        block.fetch[q] = worker.mean  # always in cache: costs nothing
    if enters < length and model.part_start == NULL:
        block.fetch[0] = row_of(model.inputs, &worker.private_inputs, model.stride, worker.sentence[enters])
    if model.negative == 0:
        fetch_path(model, worker, block, length, i)
    elif centre < length:
        block.fetch[1] = row_of(model.outputs, &worker.private_outputs, model.stride, worker.sentence[centre])


cdef inline void prefetch_path(
    const ModelState *model, const WorkerState *worker, int64_t length, int64_t i
) noexcept nogil:
    """Hierarchical softmax, in two steps: where the path of a coming centre starts, and the path."""
    cdef int64_t middle = i + AHEAD, far = i + 2 * AHEAD
    if far < length:
        prefetch(model.path_start + worker.sentence[far])
    if middle < length:
        prefetch(model.path + model.path_start[worker.sentence[middle]])
        prefetch(model.path + model.path_start[worker.sentence[middle] + 1] - 1)


cdef inline void fetch_path(
    const ModelState *model, const WorkerState *worker, Block *block, int64_t length, int64_t i
) noexcept nogil:
    """The third step: the rows of the deepest nodes; the other nodes are common to many words and in cache."""
    cdef int64_t near = i + AHEAD // 2, start, end
    cdef int q
    prefetch_path(model, worker, length, i)
    if near < length:
        start = model.path_start[worker.sentence[near]]
        end = model.path_start[worker.sentence[near] + 1]
        for q in range(1, FETCHED):
            if end - q < start:
                break
            block.fetch[q] = row_of(model.outputs, &worker.private_outputs, model.stride, model.path[end - q] >> 1)


cdef void train_sentence(
    const ModelState *model, WorkerState *worker, Block *block, const int32_t *ids, int64_t count
) noexcept nogil:
    cdef int64_t i = 0, length = subsample(model, worker, ids, count)
    cdef bint two = by_two(model)
    if length < 2:
        worker.alone += length
        return
    if model.part_start != NULL:
        train_composed(model, worker, block, length)
        i = length
    while i < length:
        if i % DRAIN_EVERY == 0:
            loss_drain(&worker.loss)
        if two and i + 1 < length:
            fetch_two_ahead(model, worker, block, length, i)
            train_two_centres(model, worker, block, length, i)
            i += 2
        else:
            fetch_ahead(model, worker, block, length, i)
            train_centre(model, worker, block, length, i)
            i += 1
    worker.trained += length


cdef inline void set_up_block(const ModelState *model, WorkerState *worker, Block *block, float lr) noexcept nogil:
    """What is the same for all centres of a span."""
    block.out = worker.out
    block.label_signs = NULL if model.negative else worker.label_signs
    block.gradients = worker.gradients
    block.dots = worker.dots
    block.pair_signs = worker.pair_signs
    block.waiting = worker.waiting
    block.columns = (model.dim + WIDTH - 1) // WIDTH * WIDTH
    block.frozen = model.frozen
    block.lr = lr
    block.sigmoid = model.sigmoid
    block.loss = &worker.loss


cdef void train_span(
    const ModelState *model, WorkerState *worker, const int32_t *ids, int64_t count, int64_t place, float lr
) noexcept nogil:
    """Train on ids[0:count], sentences that each end with -1; one that is too long is cut.

    `place` is where the span begins in the corpus: it tells which sentences are held out."""
    cdef Block block
    cdef int64_t start = 0, i
    set_up_block(model, worker, &block, lr)
    for i in range(count):
        if ids[i] < 0:
            if rng_held_out(worker.held_out_seed, place + start, worker.held_out):
                start = i + 1
                continue
            while i - start > LONGEST_SENTENCE:
                train_sentence(model, worker, &block, ids + start, LONGEST_SENTENCE)
                start += LONGEST_SENTENCE
            if i > start:
                train_sentence(model, worker, &block, ids + start, i - start)
            start = i + 1
    loss_drain(&worker.loss)


cdef int32_t largest(const int32_t *ids, int64_t count) noexcept nogil:
    cdef int32_t most = -1
    cdef int64_t i
    for i in range(count):
        most = ids[i] if ids[i] > most else most
    return most


def train(Worker worker, const int32_t[::1] ids, int64_t start, int64_t stop, float lr):
    """Train on the span ids[start:stop], which starts at a sentence and ends with -1, at the learning rate `lr`.

    At 0 nothing changes, and what moves is the worker's loss: that of the model as it is. ValueError for a span that is
    not one, or an id that is no word; CorpusError when the ids change meanwhile.
    """
    if not 0 <= start <= stop <= ids.shape[0]:
        raise ValueError(f"span {start}:{stop} is not inside 0:{ids.shape[0]}")
    if start == stop:
        return
    if ids[stop - 1] != -1:
        raise ValueError(f"span {start}:{stop} does not end with a sentence")
    cdef int32_t most
    with nogil:
        most = largest(&ids[start], stop - start)  # outside the matrices there is other memory; this costs 0.1 ns an id
        if most < worker.model.vocab_size:
            train_span(&worker.model.state, &worker.state, &ids[start], stop - start, start, lr)
    if most >= worker.model.vocab_size:
        raise ValueError(f"span {start}:{stop} holds id {most}; the vocabulary has {worker.model.vocab_size} words")
    if worker.state.stray_ids:
        raise CorpusError(f"ids {start}:{stop} changed while they were trained on; leave their file alone meanwhile")


def flush(Worker worker):
    """Merge every private row that holds changes into the shared matrices."""
    cdef ModelState *model = &worker.model.state
    cdef WorkerState *state = &worker.state
    with nogil:
        flush_private(model.inputs, &state.private_inputs, model.stride)
        flush_private(model.outputs, &state.private_outputs, model.stride)


cdef void flush_private(float *matrix, PrivateRows *private, int64_t stride) noexcept nogil:
    cdef int64_t row
    for row in range(private.count):
        if private.updates[row]:
            merge_private(matrix, private, stride, row)

# The training loop, written once and compiled for each instruction set. What it does, in the order of the paper:
# subsample a sentence, and for each centre word draw a window, collect the contexts and the output rows (the centre and
# its negatives, or the nodes on its Huffman path), and let one block update train them (simd.h).
#
# Sources: Mikolov et al. 2013b (negative sampling, subsampling, hierarchical softmax); word2vec.c for what the paper
# leaves open (window drawn for each centre, keep probability, a negative equal to the centre is skipped).
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from w2v.kernel._state cimport LONGEST_SENTENCE, Hot, LossSum, Own, Shared, Worker


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
    enum: WIDTH
    ctypedef struct Block:
        float *in_ "in"[12]
        float **out
        const int32_t *flip
        float *pairs
        float *sums
        int32_t *flips
        float *waiting
        int n
        int m
        int64_t columns
        float lr
        const float *sigmoid
        LossSum *loss
        const float *fetch[9]
    void loss_drain(LossSum *loss) noexcept nogil
    void block_skipgram(Block *block) noexcept nogil
    void block_cbow(Block *block, float **contexts, int count, float *mean, float share) noexcept nogil
    void merge_row(float *own, float *base, float *shared, int64_t stride) noexcept nogil
    void prefetch "__builtin_prefetch"(const void *address) noexcept nogil
    void prefetch_row(const float *row, int64_t stride) noexcept nogil


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


cdef inline float *row_of(const float *shared, const Hot *hot, int64_t stride, int64_t row) noexcept nogil:
    """Where this thread finds a row: its private copy, or the shared matrix.

    No branch: whether a word is frequent is a coin that no predictor guesses, and a centre tosses it a dozen times.
    """
    return <float *>shared + row * stride + (row < hot.rows) * hot.apart


cdef inline void count_updates(
    float *shared, Hot *hot, int64_t stride, const int32_t *rows, int count, int merge_after
) noexcept nogil:
    """After an update of `count` rows: merge the private ones that have had their share of updates."""
    cdef int k, updates, private, most = 0
    cdef int64_t slot
    if hot.rows == 0:
        return
    for k in range(count):  # no branch here either: rows that are not private count nothing in the slot past the last
        private = rows[k] < hot.rows
        slot = hot.rows + private * (rows[k] - hot.rows)
        updates = hot.touched[slot] + private
        hot.touched[slot] = <uint16_t>updates
        most = updates if updates > most else most
    if most < merge_after - 1:
        return
    for k in range(count):
        if rows[k] >= hot.rows:
            continue
        if hot.touched[rows[k]] >= merge_after:
            merge_private(shared, hot, stride, rows[k])
        elif hot.touched[rows[k]] == merge_after - 1:  # the merge comes with the next update: fetch what it needs
            prefetch_row(hot.base + rows[k] * stride, stride)
            prefetch_row(shared + rows[k] * stride, stride)


cdef inline void merge_private(float *shared, Hot *hot, int64_t stride, int64_t row) noexcept nogil:
    merge_row(hot.own + row * stride, hot.base + row * stride, shared + row * stride, stride)
    hot.touched[row] = 0


cdef int64_t subsample(const Shared *shared, Own *own, const int32_t *ids, int64_t count) noexcept nogil:
    """Thin out frequent words; returns how many of the sentence's words are left in own.sentence."""
    cdef int64_t i, kept = 0
    if shared.keep == NULL:
        for i in range(count):
            own.sentence[i] = ids[i]
        return count
    for i in range(count):
        own.sentence[kept] = ids[i]
        kept += <uint32_t>(rng_next(&own.random) >> 32) <= shared.keep[ids[i]]
    own.subsampled += count - kept
    return kept


cdef int draw_negatives(const Shared *shared, Own *own, int32_t centre) noexcept nogil:
    """The centre and up to `negative` others in own.drawn; returns how many rows there are."""
    cdef int m = 1, k
    cdef int32_t word
    cdef uint64_t bits = 0
    own.drawn[0] = centre
    if shared.pool_size == 0:
        for k in range(shared.negative):
            word = rng_alias(rng_next(&own.random), shared.vocab_size, <const AliasColumn *>shared.alias)
            own.drawn[m] = word
            m += word != centre
        return m
    for k in range(shared.negative):
        if k & 3 == 0:
            bits = rng_next(&own.random)
        word = own.pool[((bits & 0xFFFF) * shared.pool_size) >> 16]
        bits >>= 16
        own.drawn[m] = word
        m += word != centre
    return m


cdef inline const float *refresh_pool(const Shared *shared, Own *own, uint32_t slot_bits) noexcept nogil:
    """Replace one of the pool's negatives by a fresh draw; returns its row, to be fetched before it is picked.

    The random number was drawn one centre ago, so that its column of the table is in cache by now.
    """
    cdef int32_t word = rng_alias(own.next_draw, shared.vocab_size, <const AliasColumn *>shared.alias)
    own.next_draw = rng_next(&own.random)
    prefetch(rng_column(own.next_draw, shared.vocab_size, <const AliasColumn *>shared.alias))
    own.pool[rng_below(slot_bits, shared.pool_size)] = word
    return row_of(shared.outputs, &own.hot_out, shared.stride, word)


cdef int collect_outputs(const Shared *shared, Own *own, int32_t centre) noexcept nogil:
    """Output rows of one centre and their labels; returns how many."""
    cdef int m, k
    cdef int64_t start
    if shared.negative == 0:
        start = shared.path_start[centre]
        m = <int>(shared.path_start[centre + 1] - start)
        for k in range(m):
            own.drawn[k] = shared.path[start + k] >> 1
            own.flip[k] = 0 if shared.path[start + k] & 1 else LABEL_1
    else:
        m = draw_negatives(shared, own, centre)
    for k in range(m):
        own.out[k] = row_of(shared.outputs, &own.hot_out, shared.stride, own.drawn[k])
    return m


cdef inline void count_outputs(const Shared *shared, Own *own, int m) noexcept nogil:
    count_updates(shared.outputs, &own.hot_out, shared.stride, own.drawn, m, own.merge_after)


cdef void train_skipgram(const Shared *shared, Own *own, Block *block, int32_t centre, int count) noexcept nogil:
    """Every context of one centre against the centre's output rows, BLOCK_INPUTS contexts at a time."""
    cdef int done = 0, n, j, blocks, most = BLOCK_INPUTS
    if not shared.share_negatives:  # plain word2vec: each pair draws its own
        most = 1
    blocks = (count + most - 1) // most if count > most else 1  # a division takes as long as a row
    while done < count:
        if done == 0 or not shared.share_negatives:
            block.m = collect_outputs(shared, own, centre)
        n = (count - done + blocks - 1) // blocks if blocks > 1 else count - done  # blocks of about the same size
        blocks -= 1
        block.n = n
        for j in range(n):
            block.in_[j] = own.contexts[done + j]
        block_skipgram(block)
        own.examples += n * block.m
        if not shared.share_negatives or done + n == count:
            count_outputs(shared, own, block.m)
        done += n


cdef inline int64_t draw_reach(const Shared *shared, uint64_t bits) noexcept nogil:
    """Words to each side of a centre, from the high half of `bits`."""
    return shared.window if shared.fixed_window else 1 + rng_below(<uint32_t>(bits >> 32), <uint32_t>shared.window)


cdef inline int collect_contexts(
        const Shared *shared, Own *own, int64_t length, int64_t i, int64_t reach) noexcept nogil:
    """The words around one centre, inside the sentence; returns how many."""
    cdef int64_t first, last, j
    cdef int32_t word
    cdef int count = 0
    first = i - reach if i > reach else 0
    last = i + reach if i + reach < length else length - 1
    for j in range(first, last + 1):
        if j != i:
            word = own.sentence[j]
            own.context_ids[count] = word
            own.contexts[count] = row_of(shared.inputs, &own.hot_in, shared.stride, word)
            count += 1
    return count


cdef void train_centre(const Shared *shared, Own *own, Block *block, int64_t length, int64_t i) noexcept nogil:
    cdef uint64_t bits = rng_next(&own.random)
    cdef int32_t centre = own.sentence[i]
    cdef int count = collect_contexts(shared, own, length, i, draw_reach(shared, bits))
    if shared.pool_size:
        block.fetch[2] = refresh_pool(shared, own, <uint32_t>bits)
    if shared.cbow:
        block.m = collect_outputs(shared, own, centre)
        block_cbow(block, own.contexts, count, own.mean, 1.0 / count if shared.exact_cbow else 1.0)
        own.examples += block.m
        count_outputs(shared, own, block.m)
    else:
        train_skipgram(shared, own, block, centre, count)
    count_updates(shared.inputs, &own.hot_in, shared.stride, own.context_ids, count, own.merge_after)


cdef inline void fetch_ahead(
    const Shared *shared, const Own *own, Block *block, int64_t length, int64_t i
) noexcept nogil:
    """Name the rows that the next centres need and that are not in cache yet: the context that enters the window and
    the centre's own output row, AHEAD centres ahead."""
    cdef int64_t enters = i + shared.window + AHEAD, centre = i + AHEAD
    cdef int q
    for q in range(FETCHED if shared.negative == 0 else FETCHED_FEW):
        block.fetch[q] = own.mean  # always in cache: costs nothing
    if enters < length:
        block.fetch[0] = row_of(shared.inputs, &own.hot_in, shared.stride, own.sentence[enters])
    if shared.negative == 0:
        fetch_path(shared, own, block, length, i)
    elif centre < length:
        block.fetch[1] = row_of(shared.outputs, &own.hot_out, shared.stride, own.sentence[centre])


cdef inline void fetch_path(
    const Shared *shared, const Own *own, Block *block, int64_t length, int64_t i
) noexcept nogil:
    """Hierarchical softmax, in three steps: where a centre's path starts, the path, and the rows of its deepest nodes.

    The other nodes are common to many words and in cache.
    """
    cdef int64_t near = i + AHEAD // 2, middle = i + AHEAD, far = i + 2 * AHEAD, start, end
    cdef int q
    if far < length:
        prefetch(shared.path_start + own.sentence[far])
    if middle < length:
        prefetch(shared.path + shared.path_start[own.sentence[middle]])
        prefetch(shared.path + shared.path_start[own.sentence[middle] + 1] - 1)
    if near < length:
        start = shared.path_start[own.sentence[near]]
        end = shared.path_start[own.sentence[near] + 1]
        for q in range(1, FETCHED):
            if end - q < start:
                break
            block.fetch[q] = row_of(shared.outputs, &own.hot_out, shared.stride, shared.path[end - q] >> 1)


cdef void train_sentence(
    const Shared *shared, Own *own, Block *block, const int32_t *ids, int64_t count
) noexcept nogil:
    cdef int64_t i, length = subsample(shared, own, ids, count)
    if length < 2:
        own.alone += length
        return
    for i in range(length):
        fetch_ahead(shared, own, block, length, i)
        train_centre(shared, own, block, length, i)
    own.trained += length


cdef void train_span(
    const Shared *shared, Own *own, const int32_t *ids, int64_t count, int64_t place, float lr
) noexcept nogil:
    """Train on ids[0:count], sentences that each end with -1; one that is too long is cut.

    `place` is where the span begins in the corpus: it tells which sentences are held out."""
    cdef Block block
    cdef int64_t start = 0, i
    block.out = own.out
    block.flip = NULL if shared.negative else own.flip
    block.pairs = own.pairs
    block.sums = own.sums
    block.flips = own.flips
    block.waiting = own.waiting
    block.columns = (shared.dim + WIDTH - 1) // WIDTH * WIDTH
    block.lr = lr
    block.sigmoid = shared.sigmoid
    block.loss = &own.loss
    for i in range(count):
        if ids[i] < 0:
            if rng_held_out(own.held_out_seed, place + start, own.held_out):
                start = i + 1
                continue
            while i - start > LONGEST_SENTENCE:
                train_sentence(shared, own, &block, ids + start, LONGEST_SENTENCE)
                start += LONGEST_SENTENCE
            if i > start:
                train_sentence(shared, own, &block, ids + start, i - start)
            start = i + 1
    loss_drain(&own.loss)


cdef int32_t largest(const int32_t *ids, int64_t count) noexcept nogil:
    cdef int32_t most = -1
    cdef int64_t i
    for i in range(count):
        most = ids[i] if ids[i] > most else most
    return most


def train(Worker worker, const int32_t[::1] ids, int64_t start, int64_t stop, float lr):
    """Train on the span ids[start:stop], which starts at a sentence and ends with -1, at the learning rate `lr`.

    At 0 nothing changes, and what moves is the worker's loss: that of the model as it is.
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
            train_span(&worker.model.shared, &worker.own, &ids[start], stop - start, start, lr)
    if most >= worker.model.vocab_size:
        raise ValueError(f"span {start}:{stop} holds id {most}; the vocabulary has {worker.model.vocab_size} words")


def flush(Worker worker):
    """Merge every private row that holds changes into the shared matrices."""
    cdef Shared *shared = &worker.model.shared
    cdef Own *own = &worker.own
    with nogil:
        flush_hot(shared.inputs, &own.hot_in, shared.stride)
        flush_hot(shared.outputs, &own.hot_out, shared.stride)


cdef void flush_hot(float *shared, Hot *hot, int64_t stride) noexcept nogil:
    cdef int64_t row
    for row in range(hot.rows):
        if hot.touched[row]:
            merge_private(shared, hot, stride, row)

"""Model (what threads share) and Worker (what one thread owns): they own all memory that the loops point into."""
from libc.math cimport floor, isfinite, log
from libc.string cimport memset

import mmap
from contextlib import suppress

import numpy as np

from w2v.kernel import _tables, tables

cdef extern from "block.h":
    enum: BLOCK_INPUTS
    enum: SUMMED_OUTPUTS
    enum: LANES

cdef extern from "rng.h":
    uint64_t rng_next(uint64_t *state) noexcept nogil
    ctypedef struct AliasColumn:
        pass
    int32_t rng_alias(uint64_t bits, uint64_t n, const AliasColumn *table) noexcept nogil

cdef extern from *:
    """
    #ifdef __SANITIZE_ADDRESS__
    #define SANITIZED 1
    #else
    #define SANITIZED 0
    #endif
    """
    bint SANITIZED  # built with AddressSanitizer, which sees no access that leads from an array into its neighbour

cdef enum:
    LARGE_PAGE = 2_097_152  # bytes
    APART = 128  # bytes: what two threads write to is not in neighbouring cache lines, which are fetched in pairs
    MOST_UPDATES = 60_000  # before a merge: counted in 16 bits, and one centre counts a row 2,000 times at the most
ROW_FLOATS = 16  # rows are padded to this many floats: one 64-byte cache line


def aligned(shape, dtype=np.float32):
    """A zeroed C-contiguous array whose first byte is at a multiple of 64."""
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return zeroed_block(count).view(dtype).reshape(shape)


cdef zeroed_block(count):
    """Aligned bytes; many of them are on large pages, where the system has them: a training touches rows at random, and
    with small pages nearly each of them costs it an address translation (docs/speed.md)."""
    if count >= LARGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE") and not SANITIZED:
        with suppress(OSError, OverflowError):  # no large pages, or no memory, which NumPy reports
            span = mmap.mmap(-1, count + LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            span.madvise(mmap.MADV_HUGEPAGE)
            return aligned_part(np.frombuffer(span, np.uint8), count, LARGE_PAGE)
    return aligned_part(np.zeros(count + 64, np.uint8), count, 64)


cdef aligned_part(raw, count, alignment):
    start = -raw.ctypes.data % alignment
    return raw[start:start + count]


class Arena:
    """Zeroed arrays side by side in few blocks, so that small ones share a large page; they live as long as it does."""

    def __init__(self):
        self._blocks = []
        self._free = zeroed_block(0)

    def zeros(self, shape, dtype=np.float32):
        """A C-contiguous array whose first byte is at a multiple of 64."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if SANITIZED:
            array = aligned(shape) if dtype is np.float32 else np.zeros(shape, dtype)
            self._blocks.append(array)
            return array
        taken, block = -(-size // APART) * APART, self._free
        if taken > len(block):
            block = zeroed_block(-(-taken // LARGE_PAGE) * LARGE_PAGE)
            self._blocks.append(block)
        if block is self._free or len(block) - taken > len(self._free):
            self._free = block[taken:]
        return block[:size].view(dtype).reshape(shape)

    def copy(self, array):
        """The same values, in here."""
        copied = self.zeros(array.shape, array.dtype)
        copied[...] = array
        return copied


def padded(dim):
    """Floats from one row to the next."""
    return -(-dim // ROW_FLOATS) * ROW_FLOATS


cdef class Model:
    """Both matrices and every table; shared by all workers, without locks (Hogwild: Niu et al. 2011).

    `counts` int64 [V] in falling order; `config` a resolved TrainConfig. `inputs` float32 [V, stride] and `outputs`
    float32 [V, stride] (negative sampling) or [V - 1, stride] (hierarchical softmax, inner nodes of the tree in falling
    order of count); only the first `dim` columns hold values, the others are zero.

    With subwords, `inputs` has other rows, and `parts` says how they make up the vector of each word
    (w2v.training.subwords.Parts). Behind them are rows of the vectors of `parts.whole` words, the most frequent ones,
    and then what their parts came to when these were last made.
    """

    def __init__(self, counts, config, parts=None):
        counts = np.ascontiguousarray(counts, np.int64)
        if len(counts) < 2:
            raise ValueError("a model needs at least two words")
        self.config = config
        self.vocab_size = len(counts)
        self.dim = config.dim
        self.stride = padded(config.dim)
        self.parts = parts
        self.inputs = aligned((self.vocab_size if parts is None else len(parts.sizes) + 2 * parts.whole, self.stride))
        self.outputs = aligned((self.vocab_size - (config.loss == "hs"), self.stride))
        memset(&self.state, 0, sizeof(self.state))
        self._point_tables(counts, config)
        if parts is not None:
            self._point_parts(parts.starts, parts.rows, parts.weights)
            if not 0 <= parts.whole <= self.vocab_size:
                raise ValueError("more rows of vectors than words")
            self.state.whole_count, self.state.whole_first = parts.whole, len(parts.sizes)

    def _point_tables(self, counts, config):
        """Build the tables, keep them alive, and point the C struct at them."""
        cdef float[:, ::1] inputs = self.inputs, outputs = self.outputs
        memory = Arena()
        cdef float[:, ::1] sigmoid = memory.zeros((3, tables.SIGMOID_SIZE))
        cdef uint32_t[::1] keep
        cdef uint32_t[:, ::1] alias
        cdef int32_t[::1] path
        cdef int64_t[::1] start
        cdef uint32_t[::1] node_keep
        cdef ModelState *state = &self.state
        kept = [inputs, outputs, sigmoid]
        state.inputs = &inputs[0, 0]
        state.outputs = &outputs[0, 0]
        np.asarray(sigmoid)[:] = tables.sigmoid_table()
        state.sigmoid = &sigmoid[0, 0]
        state.dim = self.dim
        state.stride = self.stride
        state.vocab_size = self.vocab_size
        state.window = config.window
        state.fixed_window = config.fixed_window
        state.cbow = config.model == "cbow"
        state.frozen = ("none", "vectors", "context").index(config.freeze)
        state.exact_cbow = config.cbow_gradient == "exact"
        thresholds = tables.keep_thresholds(counts, config.sample)
        if thresholds is not None:
            keep = memory.copy(thresholds)
            state.keep = &keep[0]
            kept.append(keep)
        if config.loss == "hs":
            start, path = map(memory.copy, tables.huffman_paths(counts))
            state.path_start = &start[0]
            state.path = &path[0]
            state.share_negatives = True
            kept += [start, path]
            if config.node_sample:
                centres = config.epochs * counts
                if config.sample:
                    centres = centres * tables.keep_probability(counts, config.sample)
                probability = tables.node_keep_probability(
                    np.asarray(start), np.asarray(path), centres, config.node_sample)
                thresholds = tables.node_thresholds(probability)
                if len(thresholds):
                    node_keep = memory.copy(thresholds)
                    state.node_keep = &node_keep[0]
                    state.thinned_nodes = len(thresholds)
                    kept.append(node_keep)
        else:
            alias = memory.copy(tables.alias_columns(counts, config.ns_exponent, config.reproducible))
            state.negative = config.negative
            state.alias = &alias[0, 0]
            state.share_negatives = config.share_negatives
            state.pool_size = config.negative_pool
            kept.append(alias)
        if config.exact:
            state.share_negatives = False
        self._keep_alive = kept

    def _point_parts(self, const int64_t[::1] starts, const int32_t[::1] rows, const float[::1] weights):
        cdef int64_t word
        if starts.shape[0] != self.vocab_size + 1 or starts[self.vocab_size] != rows.shape[0] or \
                weights.shape[0] != rows.shape[0] or starts[0]:
            raise ValueError("the parts are not those of as many words")
        for word in range(self.vocab_size):
            if starts[word] >= starts[word + 1]:
                raise ValueError(f"word {word} has no parts")
        if not (0 <= np.min(rows) and np.max(rows) < len(self.parts.sizes)):
            raise ValueError("a part is not a row")
        self.state.part_start = &starts[0]
        self.state.parts = &rows[0]
        self.state.weights = &weights[0]
        self._keep_alive += [starts, rows, weights]

    def word_vectors(self, const float[:, ::1] inputs, int64_t first, int64_t last, float[:, ::1] out):
        """The vectors of words first..last-1 into `out` [last - first, dim]: the sums of their parts in `inputs`."""
        cdef int64_t word, k, j, dim = self.dim
        cdef ModelState *state = &self.state
        cdef const float *row
        cdef float *to
        if state.part_start == NULL:
            raise ValueError("a model without subwords")
        if not 0 <= first <= last <= self.vocab_size or out.shape[0] != last - first or out.shape[1] != dim:
            raise ValueError("wrong shape")
        if inputs.shape[0] != len(self.inputs) or inputs.shape[1] != self.stride:
            raise ValueError("wrong shape")
        with nogil:
            for word in range(first, last):
                to = &out[word - first, 0]
                memset(to, 0, dim * sizeof(float))
                for j in range(state.part_start[word], state.part_start[word + 1]):
                    row = &inputs[state.parts[j], 0]
                    for k in range(dim):
                        to[k] += state.weights[j] * row[k]

    def begin_whole(self):
        """Make the rows of frequent words' vectors from their parts, once these have their first values."""
        cdef int64_t first = self.state.whole_first, count = self.state.whole_count
        if count == 0:
            return
        vectors = np.empty((count, self.dim), np.float32)
        self.word_vectors(self.inputs, 0, count, vectors)
        self.inputs[first:first + count, :self.dim] = self.inputs[first + count:, :self.dim] = vectors

    def share_whole(self):
        """Hand on to their parts what the rows of frequent words' vectors have not yet; no thread may train."""
        cdef float[:, ::1] inputs = self.inputs
        cdef int64_t word, j, k, first = self.state.whole_first, count = self.state.whole_count
        cdef float *now
        cdef float *then
        cdef float *part
        with nogil:
            for word in range(count):
                now, then = &inputs[first + word, 0], &inputs[first + count + word, 0]
                for j in range(self.state.part_start[word], self.state.part_start[word + 1]):
                    part = &inputs[self.state.parts[j], 0]
                    for k in range(self.dim):
                        part[k] += now[k] - then[k]
                for k in range(self.dim):
                    then[k] = now[k]

    def most_outputs(self):
        """Output rows of one block at the most."""
        cdef int64_t i, most = 0
        if self.state.negative:
            return self.state.negative + 1
        for i in range(self.vocab_size):
            most = max(most, self.state.path_start[i + 1] - self.state.path_start[i])
        return most

    def fill_inputs(self, first, last):
        """First values of the input rows first..last-1; other rows may be filled by other threads meanwhile."""
        _tables.fill_inputs(self.inputs, first, last, self.dim, self.config.seed)


cdef class Worker:
    """One thread's random state, buffers, counters, loss, and private copies of the most frequent words' rows.

    `number` sets the random state. `private_rows` rows of each matrix get a private copy (0: none), which is merged
    into the shared matrix after `merge_after` of its own updates. With subwords only output rows get one: an input
    row is private while its word is in the window. Its buffers are in `memory`, an Arena.
    """

    def __init__(self, Model model, int number, int64_t private_rows=0, int merge_after=32, memory=None):
        cdef int64_t most = model.most_outputs(), i
        memory = memory or Arena()
        cdef int32_t[::1] sentence = memory.zeros(LONGEST_SENTENCE, np.int32)
        cdef int32_t[::1] pool = memory.zeros(max(model.state.pool_size, 1), np.int32)
        cdef int32_t[::1] drawn = memory.zeros(most + 2, np.int32)
        cdef int64_t[::1] out = memory.zeros(most + 2, np.int64)
        cdef int32_t[::1] label_signs = memory.zeros(most, np.int32)
        cdef float[::1] gradients = memory.zeros((most * BLOCK_INPUTS + LANES,))
        cdef float[::1] dots = memory.zeros(((SUMMED_OUTPUTS * BLOCK_INPUTS + LANES) * LANES,))
        cdef int32_t[::1] pair_signs = memory.zeros(SUMMED_OUTPUTS * BLOCK_INPUTS + LANES, np.int32)
        cdef float[::1] waiting = memory.zeros((BLOCK_INPUTS * model.stride,))
        cdef float[::1] mean = memory.zeros((2 * model.stride,))
        cdef int64_t[::1] contexts = memory.zeros(2 * model.state.window + 2, np.int64)
        cdef int32_t[::1] context_ids = memory.zeros(2 * model.state.window + 2, np.int32)
        cdef int32_t[::1] context_places = memory.zeros(2 * model.state.window + 2, np.int32)
        memset(&self.state, 0, sizeof(self.state))
        self.model = model
        self.state.sentence = &sentence[0]
        self.state.pool = &pool[0]
        self.state.drawn = &drawn[0]
        self.state.out = <float **>&out[0]
        self.state.label_signs = &label_signs[0]
        self.state.gradients = &gradients[0]
        self.state.dots = &dots[0]
        self.state.pair_signs = &pair_signs[0]
        self.state.waiting = &waiting[0]
        self.state.mean = &mean[0]
        self.state.contexts = <float **>&contexts[0]
        self.state.context_ids = &context_ids[0]
        self.state.context_places = &context_places[0]
        self.merge_after = merge_after
        self.state.held_out = tables.held_out_share(model.config.held_out)
        self.state.held_out_seed = model.config.seed
        for i in range(LANES):
            self.state.loss.mantissa[i] = 1
        self.state.random = _tables.worker_seed(model.config.seed, number)
        self._keep_alive = (
            sentence, pool, drawn, out, label_signs, gradients, dots, pair_signs, waiting, mean, contexts, context_ids,
            context_places,
        )
        self._fill_pool()
        self._private = ()
        if private_rows and model.config.exact is False:
            self._private = (self._copy_rows(&self.state.private_outputs, model.outputs, private_rows, memory),)
            if model.state.part_start == NULL:
                self._private += (self._copy_rows(&self.state.private_inputs, model.inputs, private_rows, memory),)
        if model.state.part_start != NULL:
            self._private += self._make_window(memory)

    cdef _fill_pool(self):
        cdef ModelState *model = &self.model.state
        cdef int32_t i
        for i in range(model.pool_size):
            self.state.pool[i] = rng_alias(
                rng_next(&self.state.random), model.vocab_size, <const AliasColumn *>model.alias)
        if model.pool_size:
            self.state.next_draw = rng_next(&self.state.random)

    cdef _copy_rows(self, PrivateRows *private, matrix, int64_t rows, memory):
        """Private copies of the first rows of a matrix."""
        rows = min(rows, matrix.shape[0])
        cdef float[:, ::1] copies = memory.zeros((rows, matrix.shape[1]))
        cdef float[:, ::1] base = memory.zeros((rows, matrix.shape[1]))
        cdef uint16_t[::1] updates = memory.zeros(rows + 1, np.uint16)
        np.asarray(copies)[:] = matrix[:rows]
        np.asarray(base)[:] = matrix[:rows]
        cdef float[:, ::1] shared = matrix
        private.copies = &copies[0, 0]
        private.offset = (<int64_t>private.copies - <int64_t>&shared[0, 0]) // <int64_t>sizeof(float)
        private.base = &base[0, 0]
        private.updates = &updates[0]
        private.count = rows
        return copies, base, updates

    cdef _make_window(self, memory):
        """Room for the rows of the words in the window."""
        cdef int64_t ring = 1
        while ring < 2 * self.model.state.window + 2:
            ring *= 2
        cdef float[:, ::1] rows = memory.zeros((ring, self.model.stride))
        cdef float[:, ::1] base = memory.zeros((ring, self.model.stride))
        self.state.composed.rows = &rows[0, 0]
        self.state.composed.base = &base[0, 0]
        self.state.composed.mask = ring - 1
        return rows, base

    @property
    def trained(self):
        """Tokens that were a centre word, so far."""
        return self.state.trained

    @property
    def subsampled(self):
        """Tokens dropped by subsampling, so far."""
        return self.state.subsampled

    @property
    def alone(self):
        """Tokens left alone in their sentence, which have no context, so far."""
        return self.state.alone

    @property
    def examples(self):
        """Pairs of an input and an output row trained, so far."""
        return self.state.examples

    @property
    def merge_after(self):
        """Updates of a private row between two merges, 1 to 60,000."""
        return self.state.merge_after

    @merge_after.setter
    def merge_after(self, int updates):
        self.state.merge_after = max(1, min(updates, MOST_UPDATES))

    def take_all(self):
        """From now on train on the sentences that are held out too."""
        self.state.held_out = 0

    @property
    def diverged(self):
        """Whether a dot product was not a number."""
        cdef int i
        for i in range(LANES):
            if self.state.loss.nan[i]:
                return True
        return False

    @property
    def loss_sum(self):
        """Sum of -log(probability of the right label) over all examples so far, in float64."""
        cdef int i
        cdef double mantissas = 0
        for i in range(LANES):
            mantissas += log(<double>self.state.loss.mantissa[i])
        return -(<double>self.state.loss.total * log(2.0) + mantissas)

    def add_loss(self, double loss, int64_t examples):
        """Count examples that were trained outside the compiled loops, and their loss, in nats."""
        cdef double bits = -loss / log(2.0), whole = floor(bits)
        self.state.examples += examples
        if not isfinite(loss):
            self.state.loss.nan[0] = 1
            return
        self.state.loss.total += <int64_t>whole
        self.state.loss.mantissa[0] *= 2 ** (bits - whole)
        if self.state.loss.mantissa[0] >= 2:
            self.state.loss.mantissa[0] /= 2
            self.state.loss.total += 1

    def get_state(self):
        """What a checkpoint needs of this worker, as a dict of plain values (private rows are flushed first)."""
        return {
            "random": self.state.random,
            "next_draw": self.state.next_draw,
            "pool": [self.state.pool[i] for i in range(self.model.state.pool_size)],
            "examples": self.state.examples,
            "trained": self.state.trained,
            "subsampled": self.state.subsampled,
            "alone": self.state.alone,
            "loss_mantissa": [self.state.loss.mantissa[i] for i in range(LANES)],
            "loss_total": self.state.loss.total,
        }

    def set_state(self, state):
        """Go on from what `get_state` gave."""
        cdef int i
        if len(state["pool"]) != self.model.state.pool_size:
            raise ValueError("the pool of negatives has another size")
        for i, word in enumerate(state["pool"]):
            if not 0 <= word < self.model.vocab_size:
                raise ValueError(f"the pool of negatives holds {word}, not a word")
            self.state.pool[i] = word
        self.state.random = state["random"]
        self.state.next_draw = state["next_draw"]
        self.state.examples = state["examples"]
        self.state.trained = state["trained"]
        self.state.subsampled = state["subsampled"]
        self.state.alone = state["alone"]
        self.state.loss.total = state["loss_total"]
        for i in range(LANES):
            self.state.loss.mantissa[i] = state["loss_mantissa"][i]

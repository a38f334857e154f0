"""Lanes: they own all memory of a training whose result does not depend on threads (_rounds.pxi)."""
from libc.string cimport memset

import numpy as np

from w2v.kernel._state import Arena

from w2v.kernel._state cimport LONGEST_SENTENCE

LANES_AT_MOST = <int>MOST_LANES


cdef void *zeros(memory, shape, dtype):
    """Zeros that live as long as `memory`, an Arena."""
    return <void *><int64_t>memory.zeros(shape, dtype).ctypes.data


cdef class LaneWorker(Worker):
    """One lane: a worker with its place in the corpus and its plan. It keeps no private rows.

    `ids` int32 [N], -1 after each sentence; a round has `centres` centre words.
    """

    def __init__(self, Model model, int number, const int32_t[::1] ids, int64_t centres, memory=None):
        self._memory = memory or Arena()
        Worker.__init__(self, model, number, memory=self._memory)
        memset(&self.lane, 0, sizeof(Lane))
        self.lane.worker = &self.state
        self.ids = ids
        self._allocate(centres)

    cdef _allocate(self, int64_t centres):
        """Memory for the plan of a round."""
        cdef ModelState *model = &self.model.state
        cdef Lane *lane = &self.lane
        cdef int64_t text, blocks, outputs, claims
        memory = self._memory
        centres += 1  # two at a time may be one more
        text = centres + 2 * model.window
        blocks = centres * (1 if model.cbow or model.share_negatives else 2 * model.window)
        outputs = blocks * (self.model.most_outputs() + 1)
        claims = 2 * centres + model.pool_size if model.pool_size else outputs
        lane.text = <int32_t *>zeros(memory, text, np.int32)
        lane.text_rows = <float **>zeros(memory, text, np.int64)
        lane.centres = <PlannedCentre *>zeros(memory, centres * sizeof(PlannedCentre), np.uint8)
        lane.outputs = <int32_t *>zeros(memory, outputs, np.int32)
        lane.label_signs = <int32_t *>zeros(memory, 1 if model.negative else outputs, np.int32)
        lane.pool_claims = <int32_t *>zeros(memory, max(1, model.pool_size), np.int32)
        lane.slots = <int32_t *>zeros(memory, self.model.most_outputs() + 2, np.int32)
        lane.block_outputs = <int32_t *>zeros(memory, blocks, np.int32)
        lane.own_inputs.most_claims = text + 1  # claim() writes one too many
        if model.part_start != NULL:
            self._allocate_parts(text)
        lane.own_outputs.most_claims = claims + 1

    cdef _allocate_parts(self, int64_t text):
        """Subwords: memory for the parts of the words of a round, whose number is bounded too."""
        cdef ModelState *model = &self.model.state
        cdef Lane *lane = &self.lane
        cdef int64_t longest = 0, j
        for j in range(self.model.vocab_size):
            longest = max(longest, 2 + model.part_start[j + 1] - model.part_start[j])
        lane.centre_parts = (model.window + 1) * longest
        lane.most_parts = max(
            (2 * model.window + 1) * longest, (text + model.window + 1) * min(longest, PARTS_A_WORD))
        lane.parts = <int32_t *>zeros(self._memory, lane.most_parts, np.int32)
        lane.part_rows = <float **>zeros(self._memory, lane.most_parts, np.int64)
        lane.own_inputs.most_claims = lane.most_parts + 1
        for j in range(text):
            lane.text_rows[j] = self.state.composed.rows + (j & self.state.composed.mask) * model.stride

    @property
    def left(self):
        """What is left of the lane's part of the ids, (start, stop), apart from the sentence in hand."""
        return self.lane.place, self.lane.stop

    @left.setter
    def left(self, part):
        start, stop = part
        if not 0 <= start <= stop <= self.ids.shape[0]:
            raise ValueError(f"part {start}:{stop} is not inside 0:{self.ids.shape[0]}")
        self.lane.place, self.lane.stop = start, stop

    @property
    def in_hand(self):
        """Words of the sentence in hand that are not trained yet."""
        return self.lane.length - self.lane.centre

    @property
    def stray_ids(self):
        """Ids that were no words when they were trained on."""
        return self.state.stray_ids

    def get_state(self):
        """As of a worker, and the sentence in hand; between two batches of rounds."""
        return {
            **Worker.get_state(self),
            "sentence_start": self.lane.sentence_start,
            "sentence_end": self.lane.sentence_end,
            "sentence_random": self.lane.sentence_random,
            "sentence_length": self.lane.length,
            "sentence_centre": self.lane.centre,
        }

    def set_state(self, state):
        """Go on from what `get_state` gave."""
        start, end, length, centre = [state[f"sentence_{name}"] for name in ("start", "end", "length", "centre")]
        if not (0 <= start <= end <= self.ids.shape[0] and 0 <= centre <= length <= end - start <= LONGEST_SENTENCE):
            raise ValueError("the sentence in hand is not inside the corpus")
        Worker.set_state(self, state)
        self.lane.sentence_start, self.lane.sentence_end = start, end
        self.lane.sentence_random = state["sentence_random"]
        self.lane.length, self.lane.centre = length, centre
        self.lane.draw_again = centre < length


cdef class Lanes:
    """The lanes of one training, and the rows that they share in a round (lanes.h, _rounds.pxi).

    `ids` int32 [N], -1 after each sentence, the last too. Each of `count` lanes trains `centres` words in a round;
    `batch` rounds are between two looks. `weights` float32 of each matrix's rows: how far one lane's pairs of a round
    take a row, at learning rate 1. `threads`, how many call the kernel's `train_rounds`, does not change the result.
    """

    def __init__(self, Model model, const int32_t[::1] ids, int count, int64_t centres, int64_t batch, weights,
                 int threads, int64_t tokens_total):
        cdef int64_t[::1] pointers = np.zeros(count, np.int64)
        cdef LaneWorker worker
        cdef LanesState *state = &self.state
        cdef int i
        if not 1 <= count <= MOST_LANES or centres < 1 or batch < 1 or threads < 1:
            raise ValueError(f"{count} lanes of {centres} centres, {batch} rounds, {threads} threads")
        if ids.shape[0] == 0 or ids[ids.shape[0] - 1] != -1 or np.max(ids) >= model.vocab_size:
            raise ValueError("the ids do not end with a sentence, or hold one that is no word")
        memset(state, 0, sizeof(LanesState))
        self.model = model
        self.threads = threads
        self._memory = Arena()
        self._keep_alive = [ids, pointers, weights]
        self.workers = [LaneWorker(model, i, ids, centres, self._memory) for i in range(count)]
        state.model = &model.state
        state.ids = &ids[0]
        state.lanes = <Lane **>&pointers[0]
        state.count = count
        state.buckets = 1
        while state.buckets < min(2 * threads if threads > 1 else 1, MOST_LANES):
            state.buckets *= 2
        state.quota = centres * CENTRE_COST
        state.batch = batch
        state.round = 1
        state.first_lr, state.last_lr = model.config.lr, model.config.min_lr
        state.tokens_total = max(1, tokens_total)
        worker = self.workers[0]
        self._share(&state.inputs, model.inputs, weights[0], count * worker.lane.own_inputs.most_claims)
        state.inputs.summed = model.state.whole_count
        self._share(&state.outputs, model.outputs, weights[1], count * worker.lane.own_outputs.most_claims)
        for i in range(count):
            worker = self.workers[i]
            state.lanes[i] = &worker.lane
            self._give_copies(&worker.lane.own_inputs, &state.inputs)
            self._give_copies(&worker.lane.own_outputs, &state.outputs)
        state.inputs_offset = <char *>&worker.lane.own_inputs - <char *>&worker.lane
        state.outputs_offset = <char *>&worker.lane.own_outputs - <char *>&worker.lane

    cdef _share(self, SharedRows *rows, float[:, ::1] matrix, const float[::1] weight, int64_t claims):
        """What is known of the rows of a matrix; a row is shared only if it is claimed twice."""
        cdef int64_t buckets = self.state.buckets
        memory = self._memory
        if weight.shape[0] != matrix.shape[0]:
            raise ValueError(f"{weight.shape[0]} weights for {matrix.shape[0]} rows")
        rows.size = matrix.shape[0]
        rows.matrix = &matrix[0, 0]
        rows.weight = &weight[0]
        rows.slots = min(rows.size, claims // 2)
        rows.capacity = min(rows.slots, rows.size // buckets + ROWS_A_LINE) + 1  # number_claims writes one too many
        rows.marks = <uint32_t *>zeros(memory, rows.size, np.uint32)
        rows.lists = <int32_t *>zeros(memory, (buckets, rows.capacity), np.int32)
        rows.claimants = <uint32_t *>zeros(memory, (buckets, rows.capacity), np.uint32)
        rows.buckets = <Bucket *>zeros(memory, buckets * sizeof(Bucket), np.uint8)
        rows.last_bucket = buckets - 1

    cdef _give_copies(self, LaneRows *rows, SharedRows *shared):
        cdef int64_t buckets = self.state.buckets
        rows.shared = shared
        rows.copies = <float *>zeros(self._memory, (shared.slots, self.model.stride), np.float32)
        rows.waiting = <int64_t *>zeros(self._memory, shared.slots + 1, np.int64)
        rows.claims = <int32_t *>zeros(self._memory, (buckets, rows.most_claims), np.int32)
        rows.places = <float **>zeros(self._memory, (buckets, rows.most_claims), np.int64)
        rows.claimed = <int32_t *>zeros(self._memory, buckets, np.int32)

    def open(self):
        """Let threads begin; none is at work."""
        self.state.left = self.state.batch
        gate_open(&self.state.gate)

    def go_on(self):
        """After a look: the next batch of rounds."""
        self.state.left = self.state.batch
        gate_set(&self.state.gate, self.state.next_phase)

    def close(self):
        """Send all threads back, now that no lane is at work."""
        gate_set(&self.state.gate, CLOSED)

    def jitter(self, most_us):
        """For tests: threads sleep for up to this many microseconds, at random, before they take an item."""
        self.state.jitter_us = most_us

    @property
    def ended(self):
        """Whether all lanes were at the end of their parts at the last look."""
        return self.state.ended

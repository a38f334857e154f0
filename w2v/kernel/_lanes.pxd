"""The lanes of a training that does not depend on threads: what each plans and copies, as structs; their owner."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from w2v.kernel._state cimport Model, ModelState, Worker, WorkerState


cdef extern from "lanes.h":
    enum: MOST_LANES
    enum: CLOSED
    enum: HELD
    ctypedef struct Gate:
        int64_t phase
    int64_t gate_phase(const Gate *gate) noexcept nogil
    void gate_open(Gate *gate) noexcept nogil
    void gate_set(Gate *gate, int64_t phase) noexcept nogil
    bint gate_take(Gate *gate, int64_t phase, int item) noexcept nogil
    bint gate_finish(Gate *gate, int items) noexcept nogil
    void gate_nap(int64_t most_us) noexcept nogil
    void gate_wait(const Gate *gate, int64_t phase) noexcept nogil


cdef enum:
    CENTRE_COST = 8  # of a lane's quota in a round; a token that is left out costs 1
    PLANS_AHEAD = 8  # centres: planning one takes less time than the alias table's column from memory
    FLOATS_ASKED = 48  # of a row: three cache lines
    COPIES_ASKED = 8  # rows that are asked for before the first of them is copied
    MARKS_ASKED = 16  # claims ahead
    MERGES_ASKED = 2  # shared rows whose copies are asked for before they are merged
    STAMP_SHIFT = 24
    LAST_STAMP = 255
    NUMBERED = 1 << 23  # a mark that is a place in its bucket's list
    PARTS_A_WORD = 64  # there is room for in the plan of a round; it ends early where words have more
    LINE_SHIFT = 4
    ROWS_A_LINE = 1 << LINE_SHIFT  # numbers of 32 bits in a cache line: rows of one bucket that follow each other


cdef struct Bucket:          # a cache line of its own
    int64_t first_slot       # the slot of the first row in its list
    int64_t count            # rows in its list
    int64_t apart[6]


cdef struct SharedRows:      # the rows of one matrix that several lanes touch in the same round
    int64_t size             # rows of the matrix
    int64_t summed           # the last of them, with subwords: what words' parts came to
    float *matrix            # [rows, stride]
    const float *weight      # [rows] how far one lane's pairs of a round take a row, at learning rate 1
    uint32_t *marks          # [rows] who claims it: the round's stamp, and a bit for each lane, or NUMBERED + its place
    int32_t *lists           # [buckets, capacity] the shared rows of each bucket
    uint32_t *claimants      # [buckets, capacity] a bit for each lane that has the row; above, while they get answers
    int64_t capacity
    int64_t slots            # rows that may be shared in one round
    Bucket *buckets
    int64_t last_bucket      # buckets - 1; which bucket a row is in: bucket_of


cdef struct LaneRows:        # the same as one lane has it
    SharedRows *shared
    float *copies            # [slots, stride]
    int64_t *waiting         # [slots] claims of rows that are to be copied
    int32_t *claims          # [buckets, most_claims] rows that the plan touches; then what becomes of them
    float **places           # [buckets, most_claims] where they are
    int32_t *claimed         # [buckets] how many
    int64_t most_claims


cdef struct PlannedCentre:
    int32_t place            # in the text
    int32_t first            # context, and the last
    int32_t last
    int32_t fresh            # the word that has come into the pool; the centre where there is none
    int32_t text_start       # of its sentence in the text; may be before it
    int32_t text_end         # behind the last word that its window may reach
    int32_t outputs          # where its output rows begin
    int32_t together         # centres that are trained with it at once: 1, or 2 for the first of two


cdef struct TextPlace:       # a word of the text, and its first part
    int64_t word
    int64_t part


cdef struct Lane:            # where a lane is, and what it will do in the next round
    WorkerState *worker      # its random state, pool, counters, loss
    int64_t place            # of the next sentence in the ids
    int64_t stop             # where the lane's part of the epoch ends
    int64_t length           # words of the sentence in hand; 0: none
    int64_t centre           # its next word to be planned
    int64_t sentence_start   # where it is in the ids
    int64_t sentence_end
    uint64_t sentence_random  # the random state before it was drawn
    bint draw_again          # the sentence in hand is known by these three and is to be drawn
    int64_t quota            # what is left of the round
    # the plan of a round
    # claims of words and of those before that windows reach; with subwords words, ~word if it exchanges with its parts
    int32_t *text            # [most text]
    float **text_rows        # [most text] their input rows; with subwords the places in the window's ring
    int32_t *parts           # [most parts] with subwords: claims of what words are made of, word behind word
    float **part_rows        # [most parts] where they are
    int64_t part_count
    int64_t most_parts
    int64_t centre_parts     # that one more centre may add at the most
    TextPlace asked          # how far the training is with what enters the window, and what leaves it
    TextPlace entered
    TextPlace left
    int64_t text_length
    int64_t text_place       # of the sentence in hand in it
    PlannedCentre *centres   # [most centres]
    int64_t planned          # centres
    int32_t *outputs         # [most outputs] claims of output rows, block behind block
    int32_t *pool_claims     # [pool_size] of the negatives in the pool; -1: not yet
    int32_t *slots           # [most outputs of a block] of the pool, from which negatives were drawn
    int32_t *label_signs     # [most outputs] of tree nodes
    int64_t output_count
    int32_t *block_outputs   # [most blocks] how many each block has
    int64_t blocks
    int64_t outputs_read     # by the training
    int64_t blocks_read
    int64_t subsampled       # tokens that are left out on the way
    int64_t alone
    LaneRows own_inputs
    LaneRows own_outputs


cdef struct LanesState:
    Gate gate
    ModelState *model
    const int32_t *ids
    Lane **lanes             # [count]
    int count
    int buckets
    int64_t quota            # of a lane in a round
    double first_lr
    double last_lr
    int64_t tokens_total     # of all epochs
    int64_t tokens           # done
    float lr                 # of this round
    int64_t round            # from 1
    int64_t left             # rounds to train until the next look
    int64_t batch            # rounds between two looks
    int64_t next_phase
    int64_t jitter_us        # not 0 in tests: threads sleep up to so long before they take an item
    bint ended               # all lanes are at the end of their parts
    SharedRows inputs
    SharedRows outputs
    int64_t inputs_offset    # of a lane's inputs in a Lane
    int64_t outputs_offset


cdef class LaneWorker(Worker):
    cdef Lane lane
    cdef const int32_t[::1] ids
    cdef object _memory
    cdef _allocate(self, int64_t centres)
    cdef _allocate_parts(self, int64_t text)


cdef class Lanes:
    cdef readonly Model model
    cdef readonly list workers
    cdef readonly int threads
    cdef LanesState state
    cdef object _memory, _keep_alive
    cdef _share(self, SharedRows *rows, float[:, ::1] matrix, const float[::1] weight, int64_t claims)
    cdef _give_copies(self, LaneRows *rows, SharedRows *shared)

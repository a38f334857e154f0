"""What threads share (ModelState) and what one thread owns (WorkerState), as C structs for the loops; their owners."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "block.h":
    ctypedef struct LossSum:
        float mantissa[16]
        int32_t nan[16]
        int64_t total


cdef enum:
    LONGEST_SENTENCE = 10000  # tokens; the corpus cuts what is longer (word2vec.c: 1,000; gensim: 10,000)


cdef struct ModelState:
    float *inputs            # [rows of inputs, stride]
    float *outputs           # [rows of outputs, stride]
    int64_t dim
    int64_t stride           # floats from row to row
    const float *sigmoid     # [3, SIGMOID_SIZE]
    const uint32_t *keep     # [V] subsampling thresholds, NULL to keep all
    int64_t vocab_size
    int32_t window
    bint fixed_window
    bint cbow
    bint exact_cbow          # divide the change shared out by the number of contexts
    int32_t frozen           # 1: input rows keep their values, 2: output rows
    # negative sampling
    int32_t negative         # 0 for hierarchical softmax
    const void *alias           # AliasColumn [V]
    bint share_negatives
    int32_t pool_size        # 0: every negative is drawn afresh
    # hierarchical softmax
    const int64_t *path_start   # [V + 1]
    const int32_t *path         # (node << 1) | code
    int32_t thinned_nodes       # the first nodes, of which some visits are left out
    const uint32_t *node_keep   # [thinned_nodes] subsampling thresholds out of 2^16
    # subwords: a word's vector is the sum of several rows of `inputs` by their weights
    const int64_t *part_start   # [V + 1], NULL without subwords
    const int32_t *parts        # rows
    const float *weights        # of the parts
    int64_t whole_count         # words 0..whole_count-1 also have their vector as a row: row `whole_first` + word
    int64_t whole_first         # `whole_count` rows behind it is the sum of the parts when it was last made


cdef struct PrivateRows:     # one thread's copies of the first rows of one matrix
    int64_t count            # 0: none
    float *copies            # [count, stride]
    int64_t offset           # floats from the shared matrix to the copies
    float *base              # [count, stride] the shared row when it was last merged
    uint16_t *updates        # [count + 1] since then; the last counts nothing


cdef struct Composed:        # subwords: one thread's input rows of the words in the window, made of their parts
    float *rows              # [ring, stride] each at its word's place in the sentence & mask
    float *base              # [ring, stride] what they were when they were made
    int64_t mask             # ring - 1
    uint64_t shared          # two bits a place: 0 where a word with a row of its vector shares with its parts


cdef struct WorkerState:
    uint64_t random
    uint64_t next_draw       # random number of the pool's next fresh negative
    LossSum loss
    int64_t examples
    int64_t trained
    int64_t subsampled
    int64_t alone
    int64_t stray_ids        # that were no words when they were trained on
    int32_t *sentence        # [longest sentence]
    int32_t *pool            # [pool_size]
    int32_t *drawn           # [most output rows]
    float **out              # [most output rows]
    int32_t *label_signs     # [most output rows] LABEL_1 or 0
    float *gradients         # [most output rows x BLOCK_INPUTS + LANES]
    float *dots              # [(SUMMED_OUTPUTS x BLOCK_INPUTS + LANES) x LANES] dot products before their sums
    int32_t *pair_signs      # [SUMMED_OUTPUTS x BLOCK_INPUTS + LANES] labels of pairs
    float *waiting           # [BLOCK_INPUTS x stride] changes of input rows within a block
    float *mean              # [2, stride]
    float **contexts         # [2 x window + 2]
    int32_t *context_ids     # [2 x window + 2]
    int32_t *context_places  # [2 x window + 2] in the sentence, of two centres' contexts
    PrivateRows private_inputs
    PrivateRows private_outputs
    Composed composed
    int32_t merge_after      # updates of a private row between two merges
    uint32_t held_out        # share of the sentences that are skipped, of 2^32 (rng_held_out)
    uint64_t held_out_seed


cdef class Model:
    cdef readonly object inputs, outputs, config, parts
    cdef readonly int64_t vocab_size, dim, stride
    cdef object _keep_alive
    cdef ModelState state


cdef class Worker:
    cdef readonly Model model
    cdef WorkerState state
    cdef object _keep_alive
    cdef object _private
    cdef _fill_pool(self)
    cdef _copy_rows(self, PrivateRows *private, matrix, int64_t rows, memory)
    cdef _make_window(self, memory)

# A lane's plan of its next round (_rounds.pxi): its sentences, windows and negatives, which do not depend on any row,
# and a claim for each row that they touch.
from libc.string cimport memset

from w2v.kernel._lanes cimport CENTRE_COST, LINE_SHIFT, PLANS_AHEAD, LaneRows, LanesState, PlannedCentre, SharedRows


cdef extern from "rng.h":
    uint64_t rng_peek(uint64_t state, uint64_t skipped) noexcept nogil


cdef inline int64_t bucket_of(const SharedRows *shared, int64_t row) noexcept nogil:
    """Rows whose numbers share a cache line are in one bucket, which one thread has at a time."""
    return row >> LINE_SHIFT & shared.last_bucket


cdef inline uint32_t choose(uint32_t mask, uint32_t yes, uint32_t no) noexcept nogil:
    """`yes` where the mask is -1, `no` where it is 0."""
    return yes & mask | no & ~mask


cdef inline int32_t claim(LaneRows *rows, int64_t row) noexcept nogil:
    """The coming round touches this row; returns where it will be in rows.places."""
    return claim_if(rows, row, True)


cdef inline int32_t claim_if(LaneRows *rows, int64_t row, bint wanted) noexcept nogil:
    """The same, or nothing. No branch, nor where claims are answered: which words are frequent is unpredictable."""
    cdef int64_t bucket = bucket_of(rows.shared, row), place = bucket * rows.most_claims + rows.claimed[bucket]
    rows.claims[place] = <int32_t>row
    rows.claimed[bucket] += wanted
    return <int32_t>place


cdef void plan_round(const LanesState *all, Lane *lane) noexcept nogil:
    """Draw as many centres as a round has, from where the lane stopped."""
    cdef WorkerState *worker = lane.worker
    cdef int64_t k, count, before = worker.subsampled, alone = worker.alone
    cdef bint two = by_two(all.model)
    memset(lane.own_inputs.claimed, 0, all.buckets * sizeof(int32_t))
    memset(lane.own_outputs.claimed, 0, all.buckets * sizeof(int32_t))
    lane.text_length = lane.part_count = lane.planned = lane.output_count = lane.blocks = 0
    lane.quota = all.quota
    if lane.place >= lane.stop and lane.centre >= lane.length:
        return
    for k in range(all.model.pool_size):
        lane.pool_claims[k] = -1
    if lane.draw_again:
        draw_again(all, lane)
    while lane.quota > 0:
        if lane.centre >= lane.length:
            lane.length = lane.centre = 0
            if not next_sentence(all, lane):
                break
            continue  # what was left out may have cost the rest of the round
        if lane.planned and lane.part_count + lane.centre_parts > lane.most_parts:
            break
        if lane.centre == 0 or lane.planned == 0:
            begin_text(all, lane)
        count = 2 if two and lane.centre + 1 < lane.length else 1
        plan_centres(all.model, lane, lane.centre, count)
        lane.centre += count
        lane.quota -= count * CENTRE_COST
    lane.subsampled = worker.subsampled - before  # they count when the round is trained
    lane.alone = worker.alone - alone
    worker.subsampled = before
    worker.alone = alone


cdef void draw_again(const LanesState *all, Lane *lane) noexcept nogil:
    """The sentence in hand of a lane that goes on from a checkpoint."""
    cdef WorkerState *worker = lane.worker
    cdef uint64_t random = worker.random
    cdef int64_t counted = worker.subsampled
    worker.random = lane.sentence_random
    lane.length = draw_sentence(all, lane)
    worker.random = random
    worker.subsampled = counted
    lane.draw_again = False


cdef int64_t draw_sentence(const LanesState *all, Lane *lane) noexcept nogil:
    """Thin out the lane's sentence, and draw which of its words exchange changes with their parts."""
    cdef WorkerState *worker = lane.worker
    cdef int64_t start = lane.sentence_start, length
    length = subsample(all.model, worker, all.ids + start, lane.sentence_end - start)
    if all.model.whole_count:
        worker.composed.shared = rng_next(&worker.random)
    return length


cdef bint next_sentence(const LanesState *all, Lane *lane) noexcept nogil:
    """Draw the lane's next sentence that has a pair to train; what is left out on the way costs a little of the round.

    False where the lane's part of the corpus or the round ends.
    """
    cdef WorkerState *worker = lane.worker
    cdef const int32_t *ids = all.ids
    cdef int64_t start, end
    while lane.place < lane.stop and lane.quota > 0:
        start = end = lane.place
        while end < lane.stop and end - start < LONGEST_SENTENCE and ids[end] >= 0:
            end += 1
        if (start == 0 or ids[start - 1] < 0) and rng_held_out(worker.held_out_seed, start, worker.held_out):
            while end < lane.stop and ids[end] >= 0:
                end += 1
            lane.place = end + 1
            lane.quota -= 1
            continue
        lane.place = end + (end < lane.stop and ids[end] < 0)
        lane.sentence_start = start
        lane.sentence_end = end
        lane.sentence_random = worker.random
        lane.length = draw_sentence(all, lane)
        lane.quota -= 1 + end - start - lane.length
        if lane.length > 1:
            return True
        worker.alone += lane.length
        lane.length = 0
    return False


cdef inline void begin_text(const LanesState *all, Lane *lane) noexcept nogil:
    """The words that the next centre's window reaches, but for the last one."""
    cdef WorkerState *worker = lane.worker
    cdef int64_t window = all.model.window, j, first = lane.centre - window if lane.centre > window else 0
    lane.text_place = lane.text_length - first
    for j in range(first, min(lane.centre + window, lane.length)):
        add_word(all.model, lane, j)


cdef inline void add_word(const ModelState *model, Lane *lane, int64_t j) noexcept nogil:
    cdef WorkerState *worker = lane.worker
    cdef int32_t word = worker.sentence[j]
    cdef bint is_whole = word < model.whole_count, exchanges = is_whole and shares(worker, j)
    cdef int64_t k
    lane.text_length += 1
    if model.part_start == NULL:
        lane.text[lane.text_length - 1] = claim(&lane.own_inputs, word)
        return
    lane.text[lane.text_length - 1] = ~word if exchanges else word
    if j + 2 * AHEAD < lane.length:
        prefetch(model.part_start + worker.sentence[j + 2 * AHEAD])
        prefetch(model.parts + model.part_start[worker.sentence[j + AHEAD]])
    if is_whole:
        add_part(lane, model.whole_first + word)
        if not exchanges:
            return
        add_part(lane, model.whole_first + model.whole_count + word)
    for k in range(model.part_start[word], model.part_start[word + 1]):
        add_part(lane, model.parts[k])


cdef inline void add_part(Lane *lane, int64_t row) noexcept nogil:
    lane.parts[lane.part_count] = claim(&lane.own_inputs, row)
    lane.part_count += 1


cdef inline void plan_centres(const ModelState *model, Lane *lane, int64_t i, int count) noexcept nogil:
    """What train_centre and its parts draw, in their order, or train_two_centres for `count` of 2."""
    cdef WorkerState *worker = lane.worker
    cdef PlannedCentre *centre = &lane.centres[lane.planned]
    cdef uint64_t bits = rng_next(&worker.random)
    cdef int64_t block, contexts
    cdef int32_t own[2]
    cdef int s, m
    plan_window(model, lane, i, draw_reach(model, bits))
    if count == 2:
        plan_window(model, lane, i + 1, draw_reach(model, rng_next(&worker.random)))
    centre.together = count
    if model.pool_size:
        centre.fresh = refresh_pool(model, worker, <uint32_t>bits)
        lane.pool_claims[rng_below(<uint32_t>bits, model.pool_size)] = -1
        prefetch(rng_column(
            rng_peek(worker.random, PLANS_AHEAD * (1 + count + ((model.negative + 3) >> 2)) - 1),
            model.vocab_size, <const AliasColumn *>model.alias))
    if model.negative == 0:
        prefetch_path(model, worker, lane.length, i)
    else:
        for s in range(count):
            own[s] = claim(&lane.own_outputs, worker.sentence[i + s])
    contexts = centre.last - centre.first
    for block in range(1 if model.cbow or model.share_negatives else contexts):
        if model.negative == 0:
            plan_path(model, lane, worker.sentence[i])
            continue
        for s in range(count):
            worker.drawn[s] = worker.sentence[i + s]
        m = add_negatives(model, worker, count, worker.drawn[0], worker.drawn[count - 1], lane.slots)
        plan_outputs(model, lane, own, count, m)


cdef inline void plan_window(const ModelState *model, Lane *lane, int64_t i, int64_t reach) noexcept nogil:
    """Where the i-th word and its contexts are in the text."""
    cdef PlannedCentre *centre = &lane.centres[lane.planned]
    cdef int64_t first = i - reach if i > reach else 0, last = i + reach if i + reach < lane.length else lane.length - 1
    if i + model.window < lane.length:
        add_word(model, lane, i + model.window)
    centre.place = <int32_t>(lane.text_place + i)
    centre.first = <int32_t>(lane.text_place + first)
    centre.last = <int32_t>(lane.text_place + last)
    centre.text_start = <int32_t>lane.text_place
    centre.text_end = <int32_t>lane.text_length
    centre.fresh = lane.worker.sentence[i]
    centre.outputs = <int32_t>lane.output_count
    centre.together = 1
    lane.planned += 1


cdef inline void plan_outputs(
    const ModelState *model, Lane *lane, const int32_t *own, int centres, int m
) noexcept nogil:
    """The m output rows of a block: those of the centres, whose claims are `own`, and negatives, which are in
    worker.drawn. A row of the pool is claimed when it is drawn first."""
    cdef WorkerState *worker = lane.worker
    cdef int32_t *outputs = lane.outputs + lane.output_count
    cdef int k
    cdef int32_t known, place
    for k in range(centres):
        outputs[k] = own[k]
    for k in range(centres, m):
        if model.pool_size == 0:
            outputs[k] = claim(&lane.own_outputs, worker.drawn[k])
            continue
        known = lane.pool_claims[lane.slots[k]]
        place = claim_if(&lane.own_outputs, worker.drawn[k], known < 0)
        outputs[k] = <int32_t>choose(-(known < 0), place, known)
        lane.pool_claims[lane.slots[k]] = outputs[k]
    lane.output_count += m
    lane.block_outputs[lane.blocks] = m
    lane.blocks += 1


cdef inline void plan_path(const ModelState *model, Lane *lane, int32_t centre) noexcept nogil:
    """The nodes on the centre's Huffman path that are trained, and their labels."""
    cdef WorkerState *worker = lane.worker
    cdef int k, m = draw_path(model, worker, centre)
    for k in range(m):
        lane.outputs[lane.output_count + k] = claim(&lane.own_outputs, worker.drawn[k])
        lane.label_signs[lane.output_count + k] = worker.label_signs[k]
    lane.output_count += m
    lane.block_outputs[lane.blocks] = m
    lane.blocks += 1

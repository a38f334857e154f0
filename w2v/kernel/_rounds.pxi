# Training in rounds by lanes: the same bytes with any number of threads (lanes.h, docs/reproducible.md).
#
# A round, as each lane has it: train what was planned, then plan the next round (_plan.pxi). Between two rounds, for
# each bucket of rows: add up what the lanes have made of the rows that several of them had, then find the rows that
# several lanes claim for the next one. Only of these a lane makes a copy; the others are its alone, and it changes them
# in the matrix.
#
# A claim is a row's number in the lane's list for the row's bucket. The thread that has the bucket puts in its place
# what becomes of it (answer_claims), so a lane looks nothing up by row: the row's number if it is one lane's alone; if
# it is that of several, a number below 0 of its place in the bucket's list and whether the lane has still to copy it.
from w2v.kernel._lanes cimport (
    CLOSED, COPIES_ASKED, FLOATS_ASKED, HELD, LAST_STAMP, MARKS_ASKED, MERGES_ASKED, MOST_LANES, NUMBERED, ROWS_A_LINE,
    STAMP_SHIFT, Bucket, Gate, LaneRows, Lanes, LanesState, PlannedCentre, SharedRows, TextPlace, gate_finish, gate_nap,
    gate_phase, gate_set, gate_take, gate_wait
)


cdef extern from "simd.h":
    void merge_copies(float *row, float *const *copies, int count, float effort, int64_t stride) noexcept nogil

cdef extern from "compose.h":
    void compose_places(float *const *parts, int64_t columns, const float *weights, int count, float *row,
                        float *base) noexcept nogil
    void scatter_places(float *const *parts, int64_t columns, int count, const float *row,
                        const float *base) noexcept nogil


cdef inline uint32_t stamp_of(int64_t round) noexcept nogil:
    """A round's mark: 1 to LAST_STAMP, again and again, in the high bits."""
    return <uint32_t>(1 + round % LAST_STAMP) << STAMP_SHIFT


# --- training --------------------------------------------------------------------------------------------------------


cdef void find_rows(const LanesState *all, LaneRows *own) noexcept nogil:
    """Where the lane has each row: in the matrix, or, if other lanes touch it in this round too, its own copy."""
    cdef const SharedRows *shared = own.shared
    cdef const int32_t *claims
    cdef float **places
    cdef float *copies
    cdef int64_t stride = all.model.stride, number, k, asked, offset, row
    cdef int32_t copied  # -1: there is a copy
    for number in range(all.buckets):
        claims = own.claims + number * own.most_claims
        places = own.places + number * own.most_claims
        copies = own.copies + shared.buckets[number].first_slot * stride
        offset = (<int64_t>copies - <int64_t>shared.matrix) // <int64_t>sizeof(float)
        asked = 0
        for k in range(own.claimed[number]):
            copied = claims[k] >> 31
            row = (claims[k] ^ copied) >> (copied & 1)
            places[k] = shared.matrix + (offset & copied) + row * stride
            own.waiting[asked] = row
            asked += ~claims[k] & copied & 1
        copy_rows(shared, copies, shared.lists + number * shared.capacity, own.waiting, asked, stride)


cdef inline void copy_rows(
    const SharedRows *shared, float *copies, const int32_t *rows, const int64_t *waiting, int64_t count, int64_t stride
) noexcept nogil:
    """Copies of the shared rows that are waiting, by their places in the bucket's list."""
    cdef int64_t k
    for k in range(count):
        if k + COPIES_ASKED < count:
            prefetch_row(shared.matrix + rows[waiting[k + COPIES_ASKED]] * stride, stride)
        copy_row(copies + waiting[k] * stride, shared.matrix + rows[waiting[k]] * stride, stride)


cdef void train_planned(const LanesState *all, Lane *lane) noexcept nogil:
    """Train what the lane has planned."""
    cdef const ModelState *model = all.model
    cdef WorkerState *worker = lane.worker
    cdef Block block
    cdef int64_t k
    worker.trained += lane.planned
    worker.subsampled += lane.subsampled
    worker.alone += lane.alone
    lane.subsampled = lane.alone = 0
    if lane.planned == 0:
        return
    lane.outputs_read = lane.blocks_read = 0
    find_rows(all, &lane.own_inputs)
    find_rows(all, &lane.own_outputs)
    if model.part_start == NULL:
        for k in range(lane.text_length):
            lane.text_rows[k] = lane.own_inputs.places[lane.text[k]]
    else:
        for k in range(lane.part_count):
            lane.part_rows[k] = lane.own_inputs.places[lane.parts[k]]
        lane.asked = TextPlace(0, 0)
        lane.entered = lane.left = lane.asked
    set_up_block(model, worker, &block, all.lr)
    k = 0
    while k < lane.planned:
        if model.part_start != NULL:
            move_window(model, lane, block.columns, &lane.centres[k])
        if lane.centres[k].together == 2:
            train_two_next(all, lane, &block, k)
        else:
            train_next(all, lane, &block, k)
        if k % DRAIN_EVERY < 2:
            loss_drain(&worker.loss)
        k += lane.centres[k].together
    loss_drain(&worker.loss)
    if model.part_start != NULL:
        leave_until(model, lane, block.columns, lane.entered.word)


cdef inline void move_window(
    const ModelState *model, Lane *lane, int64_t columns, const PlannedCentre *centre
) noexcept nogil:
    """Subwords: what the window of a planned centre no longer reaches leaves the ring, and what it does enters."""
    cdef int64_t slot
    cdef int count, k
    leave_until(model, lane, columns, max(centre.place - model.window, centre.text_start))
    while lane.asked.word < min(centre.text_end + AHEAD, lane.text_length):
        count = parts_of(model, lane, lane.asked.word)
        for k in range(count):
            prefetch_part(lane.part_rows[lane.asked.part + k], model.stride)
        lane.asked.part += count
        lane.asked.word += 1
    while lane.entered.word < centre.text_end:
        slot = (lane.entered.word & lane.worker.composed.mask) * model.stride
        enter_text(model, lane, columns, lane.worker.composed.rows + slot, lane.worker.composed.base + slot)
        lane.entered.part += parts_of(model, lane, lane.entered.word)
        lane.entered.word += 1


cdef inline int parts_of(const ModelState *model, const Lane *lane, int64_t place) noexcept nogil:
    """How many rows a word of the text has: its parts, or one of its vector, or that, what its parts came to, and
    they."""
    cdef int32_t word = lane.text[place]
    if word < 0:
        return 2 + <int>(model.part_start[~word + 1] - model.part_start[~word])
    return 1 if word < model.whole_count else <int>(model.part_start[word + 1] - model.part_start[word])


cdef inline bint has_exchange(const ModelState *model, const Lane *lane, TextPlace at) noexcept nogil:
    """Whether a word of the text exchanges changes with its parts, now that the claims are answered: of the lanes that
    would do it for this word in this round, the first does (answer_claims)."""
    cdef const float *summed = model.inputs + (model.whole_first + model.whole_count) * model.stride
    return lane.text[at.word] < 0 and lane.part_rows[at.part + 1] >= summed


cdef void enter_text(
    const ModelState *model, Lane *lane, int64_t columns, float *row, float *base
) noexcept nogil:
    """The next word of the text enters the window: its row is made, as by enter_window."""
    cdef int32_t word = lane.text[lane.entered.word]
    cdef float *const *parts = lane.part_rows + lane.entered.part
    if word >= model.whole_count:
        compose_places(
            parts, columns, model.weights + model.part_start[word], parts_of(model, lane, lane.entered.word), row, base)
        return
    if has_exchange(model, lane, lane.entered):
        compose_places(
            parts + 2, columns, model.weights + model.part_start[~word],
            parts_of(model, lane, lane.entered.word) - 2, row, base)
        scatter_places(parts, columns, 1, row, parts[1])
        copy_row(parts[1], row, model.stride)
    copy_row(row, parts[0], model.stride)
    copy_row(base, parts[0], model.stride)


cdef inline void leave_until(const ModelState *model, Lane *lane, int64_t columns, int64_t end) noexcept nogil:
    """The words of the text before `end` leave the window: their changes go to their rows, as by leave_window."""
    cdef float *const *parts
    cdef int64_t slot
    cdef int count
    while lane.left.word < end:
        parts = lane.part_rows + lane.left.part
        slot = (lane.left.word & lane.worker.composed.mask) * model.stride
        count = parts_of(model, lane, lane.left.word)
        scatter_places(
            parts, columns, 1 if lane.text[lane.left.word] < 0 else count,
            lane.worker.composed.rows + slot, lane.worker.composed.base + slot)
        if has_exchange(model, lane, lane.left):
            scatter_places(parts + 2, columns, count - 2, parts[0], parts[1])
            copy_row(parts[1], parts[0], model.stride)
        lane.left.part += count
        lane.left.word += 1


cdef inline void train_next(const LanesState *all, Lane *lane, Block *block, int64_t i) noexcept nogil:
    """Centre i of the plan."""
    cdef WorkerState *worker = lane.worker
    cdef const PlannedCentre *centre = &lane.centres[i]
    cdef int64_t j
    cdef int count = 0
    fetch_planned(all, lane, block, i)
    for j in range(centre.first, centre.last + 1):
        worker.contexts[count] = lane.text_rows[j]
        count += j != centre.place
    train_block(all.model, worker, block, 0, count, lane)


cdef inline void train_two_next(const LanesState *all, Lane *lane, Block *block, int64_t i) noexcept nogil:
    """Centres i and i + 1 of the plan."""
    cdef const PlannedCentre *centres = &lane.centres[i]
    cdef TwoCentres two
    cdef int64_t first[2]
    cdef int64_t last[2]
    cdef int s
    for s in range(2):
        first[s], last[s] = centres[s].first, centres[s].last
    fetch_two_planned(all, lane, block, i)
    block.m = planned_outputs(all.model, lane.worker, block, lane)
    collect_two_contexts(all.model, lane.worker, &two, first, last, centres[0].place, lane.text_rows)
    train_block_of_two(lane.worker, block, &two)


cdef inline void fetch_planned(const LanesState *all, Lane *lane, Block *block, int64_t i) noexcept nogil:
    """As fetch_ahead, for centre i of the plan. The plan says more: also the pool's rows may have left the cache since
    the lane's last round, so the next outputs are asked for, a few cache lines of each; the rest follows by itself."""
    cdef const ModelState *model = all.model
    cdef int64_t enters = lane.centres[i].place + model.window + AHEAD, near = i + AHEAD // 2, first, last
    cdef int q
    for q in range(FETCHED if model.negative == 0 else FETCHED_FEW):
        block.fetch[q] = lane.worker.mean  # always in cache: costs nothing
    if enters < lane.text_length:
        block.fetch[0] = lane.text_rows[enters]
    if near + 1 >= lane.planned:
        return
    first, last = lane.centres[near].outputs, lane.centres[near + 1].outputs
    if model.negative == 0:
        for q in range(1, min(FETCHED, last - first + 1)):
            block.fetch[q] = output_place(lane, last - q)  # the deepest nodes; the others are common to many words
        return
    block.fetch[2] = all.outputs.matrix + lane.centres[i].fresh * model.stride
    if i + AHEAD < lane.planned:
        block.fetch[1] = output_place(lane, lane.centres[i + AHEAD].outputs)
    if model.share_negatives or model.cbow:
        fetch_outputs(lane, first, last)


cdef inline void fetch_two_planned(const LanesState *all, Lane *lane, Block *block, int64_t i) noexcept nogil:
    """The same for centres i and i + 1."""
    cdef const ModelState *model = all.model
    cdef int64_t enters = lane.centres[i].place + model.window + AHEAD, near = i + AHEAD // 2, s
    for s in range(2):
        block.fetch[s] = block.fetch[2 + s] = lane.worker.mean
        if enters + s < lane.text_length:
            block.fetch[s] = lane.text_rows[enters + s]
        if i + AHEAD + s < lane.planned:
            block.fetch[2 + s] = output_place(lane, lane.centres[i + AHEAD + s].outputs)
    block.fetch[4] = all.outputs.matrix + lane.centres[i].fresh * model.stride
    if near + 2 < lane.planned:
        fetch_outputs(lane, lane.centres[near].outputs, lane.centres[near + 2].outputs)


cdef inline float *output_place(const Lane *lane, int64_t output) noexcept nogil:
    return lane.own_outputs.places[lane.outputs[output]]


cdef inline void fetch_outputs(const Lane *lane, int64_t first, int64_t stop) noexcept nogil:
    """Ask for the beginning of output rows of the plan."""
    cdef int64_t j
    for j in range(first, stop):
        prefetch_row(output_place(lane, j), FLOATS_ASKED)


# --- merging ---------------------------------------------------------------------------------------------------------


cdef inline LaneRows *rows_of(const LanesState *all, int lane, int64_t offset) noexcept nogil:
    return <LaneRows *>(<char *>all.lanes[lane] + offset)


cdef void merge_bucket(const LanesState *all, SharedRows *shared, int64_t offset, int64_t number) noexcept nogil:
    """Put together what the lanes have made of the bucket's shared rows; no row is shared after it."""
    cdef Bucket *bucket = &shared.buckets[number]
    cdef const int32_t *rows = shared.lists + number * shared.capacity
    cdef const uint32_t *claimants = shared.claimants + number * shared.capacity
    cdef int64_t stride = all.model.stride, k
    cdef float *copies[MOST_LANES + 1]
    cdef int count
    for k in range(bucket.count):
        if k + MERGES_ASKED < bucket.count:
            ask_for_copies(all, offset, claimants[k + MERGES_ASKED], bucket.first_slot + k + MERGES_ASKED)
        count = copies_of(all, offset, claimants[k], bucket.first_slot + k, copies)
        merge_copies(shared.matrix + rows[k] * stride, copies, count, all.lr * shared.weight[rows[k]], stride)
    bucket.count = 0


cdef inline int copies_of(
    const LanesState *all, int64_t offset, uint32_t claimants, int64_t slot, float **copies
) noexcept nogil:
    """The lanes' copies of one row; returns how many."""
    cdef int lane, count = 0
    for lane in range(all.count):
        copies[count] = rows_of(all, lane, offset).copies + slot * all.model.stride
        count += claimants >> lane & 1
    return count


cdef inline void ask_for_copies(
    const LanesState *all, int64_t offset, uint32_t claimants, int64_t slot
) noexcept nogil:
    """They are in another core's cache where another thread has made them."""
    cdef float *copies[MOST_LANES + 1]
    cdef int k
    for k in range(copies_of(all, offset, claimants, slot, copies)):
        prefetch_row(copies[k], all.model.stride)


cdef void share_bucket(const LanesState *all, SharedRows *shared, int64_t offset, int64_t number) noexcept nogil:
    """Find the bucket's rows that several lanes claim for the next round, and answer the claims."""
    cdef uint32_t stamp = stamp_of(all.round + 1)
    cdef int lane
    if stamp == stamp_of(0):  # the stamps begin anew: forget the old ones
        forget(shared, number)
    for lane in range(all.count):
        mark_claims(shared, rows_of(all, lane, offset), number, stamp, lane)
    for lane in range(all.count):
        answer_claims(shared, rows_of(all, lane, offset), number, stamp, lane)


cdef inline void mark_claims(
    SharedRows *shared, const LaneRows *own, int64_t number, uint32_t stamp, int lane
) noexcept nogil:
    """The rows' marks get the lane's bit."""
    cdef const int32_t *claims = own.claims + number * own.most_claims
    cdef uint32_t mark, same
    cdef int64_t k, count = own.claimed[number]
    for k in range(count):
        prefetch(&shared.marks[claims[min(k + MARKS_ASKED, count - 1)]])
        mark = shared.marks[claims[k]]
        same = -<uint32_t>((mark ^ stamp) < 1 << STAMP_SHIFT)
        shared.marks[claims[k]] = mark & same | stamp | <uint32_t>1 << lane


cdef inline void answer_claims(
    SharedRows *shared, LaneRows *own, int64_t number, uint32_t stamp, int lane
) noexcept nogil:
    """Rows that several lanes claim get places in the bucket's list. What a word's parts came to is for one lane only:
    the first of those that claim it. The others get the row of the word's vector in its place."""
    cdef Bucket *bucket = &shared.buckets[number]
    cdef int32_t *claims = own.claims + number * own.most_claims
    cdef int32_t *rows = shared.lists + number * shared.capacity
    cdef uint32_t *claimants = shared.claimants + number * shared.capacity
    cdef uint32_t mark, lanes, numbered, several, place, first, alone
    cdef int64_t k, count = bucket.count, first_summed = shared.size - shared.summed
    cdef int32_t row
    for k in range(own.claimed[number]):
        row = claims[k]
        mark = shared.marks[row]
        numbered = -<uint32_t>((mark & NUMBERED) != 0)
        lanes = mark & ((1 << MOST_LANES) - 1)
        alone = -<uint32_t>(row >= first_summed)
        several = ~numbered & ~alone & -<uint32_t>((lanes & (lanes - 1)) != 0)
        rows[count] = row
        claimants[count] = lanes | lanes << MOST_LANES
        place = choose(numbered, mark & (NUMBERED - 1), <uint32_t>count)
        shared.marks[row] = choose(several, stamp | NUMBERED | place, mark)
        count += several & 1
        first = claimants[place] >> (MOST_LANES + lane) & 1
        claimants[place] &= ~(<uint32_t>1 << (MOST_LANES + lane))
        alone &= -<uint32_t>((lanes & ((1 << lane) - 1)) != 0)
        claims[k] = <int32_t>choose(numbered | several, ~(2 * place + first), row - (<uint32_t>shared.summed & alone))
    bucket.count = count


cdef void forget(SharedRows *shared, int64_t number) noexcept nogil:
    """No row of a bucket is marked any more."""
    cdef int64_t row, first = number * ROWS_A_LINE
    while first < shared.size:
        for row in range(first, min(first + ROWS_A_LINE, shared.size)):
            shared.marks[row] = 0
        first += (shared.last_bucket + 1) * ROWS_A_LINE


cdef void number_slots(SharedRows *shared) noexcept nogil:
    """By one thread: one bucket's slots behind the other's."""
    cdef int64_t number, slot = 0
    for number in range(shared.last_bucket + 1):
        shared.buckets[number].first_slot = slot
        slot += shared.buckets[number].count


# --- rounds ----------------------------------------------------------------------------------------------------------


cdef void do_lane(const LanesState *all, Lane *lane) noexcept nogil:
    train_planned(all, lane)
    if all.left:
        plan_round(all, lane)
    else:
        lane.planned = 0


cdef void do_bucket(LanesState *all, int64_t bucket) noexcept nogil:
    merge_bucket(all, &all.inputs, all.inputs_offset, bucket)
    merge_bucket(all, &all.outputs, all.outputs_offset, bucket)
    if all.left:
        share_bucket(all, &all.inputs, all.inputs_offset, bucket)
        share_bucket(all, &all.outputs, all.outputs_offset, bucket)


cdef bint round_done(LanesState *all) noexcept nogil:
    """By one thread, between two rounds: the next one's learning rate. True where Python is to have a look."""
    cdef double share
    cdef int number
    cdef Lane *lane
    all.tokens = 0
    all.ended = True
    for number in range(all.count):
        lane = all.lanes[number]
        all.tokens += lane.worker.trained + lane.worker.subsampled + lane.worker.alone
        if lane.place < lane.stop or lane.centre < lane.length or lane.planned or lane.subsampled or lane.alone:
            all.ended = False
    share = <double>all.tokens / all.tokens_total
    all.lr = <float>(all.first_lr + (all.last_lr - all.first_lr) * (share if share < 1 else 1))
    all.round += 1
    number_slots(&all.inputs)
    number_slots(&all.outputs)
    if all.left == 0 or all.ended:
        return True
    all.left -= 1
    return False


cdef bint run_rounds(LanesState *all, int home, int threads) noexcept nogil:
    """Take part in rounds until they are held (True, for the thread that may look then) or closed (False)."""
    cdef int64_t phase
    cdef int items, offset, item
    cdef bint last, merging
    cdef Gate *gate = &all.gate
    while True:
        phase = gate_phase(gate)
        if phase == CLOSED:
            return False
        if phase == HELD:
            gate_wait(gate, phase)
            continue
        merging = phase & 1
        items = all.buckets if merging else all.count
        last = False
        for offset in range(threads):  # first what is this thread's: it is in its cache
            item = (home + offset) % threads
            while item < items:
                if all.jitter_us:
                    gate_nap(all.jitter_us)
                if gate_take(gate, phase, item):
                    if merging:
                        do_bucket(all, item)
                    else:
                        do_lane(all, all.lanes[item])
                    last = gate_finish(gate, items)
                item += threads
        if not last:
            gate_wait(gate, phase)
        elif not merging:
            gate_set(gate, phase + 1)
        elif round_done(all):
            all.next_phase = phase + 1
            gate_set(gate, HELD)
            return True
        else:
            gate_set(gate, phase + 1)


def train_rounds(Lanes lanes, int home):
    """Take part in the training of all lanes, as one of `lanes.threads`, until it is held or closed.

    True for one thread: no lane is at work, and nothing goes on until it calls `lanes.go_on` or `lanes.close`.
    """
    cdef bint held
    cdef LanesState *all = &lanes.state
    cdef int threads = lanes.threads
    with nogil:
        held = run_rounds(all, home, threads)
    return held

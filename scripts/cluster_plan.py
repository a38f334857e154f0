"""What a training on 8, 64 and 512 nodes would take: traffic, memory, words/s, and what gives out first.

    python scripts/cluster_plan.py [--dim 300] [--sync 1] [--node-words 4e6] [--tokens 1e11]

Prints the tables of docs/cluster.md. Rows, bytes and their schedule are those of the program; what is assumed of the
machines is printed above the tables.
"""

from __future__ import annotations

import argparse

from make_speed import table

from w2v.cluster.coordinator import LOOK_S, lr_scale
from w2v.cluster.run import MOST_ROWS_BYTES, TOP_ROWS, ClusterOptions
from w2v.cluster.synced_rows import SENT_BYTES, Schedule, bytes_exchanged
from w2v.numbers import size
from w2v.training.config import TrainConfig
from w2v.training.memory import memory_needed

NODES, WORDS, NETWORKS = (8, 64, 512), (1_000_000, 10_000_000), (10, 100)  # Gb/s
MEMORY_PASSES = 10  # over the bytes of an exchange: collected, copied to the store, summed, put in
MEMORY_SPEED = 10e9  # bytes/s of one thread that does this
USABLE = 0.7  # of a network's rate, by Ray's transfers
CALLS_PER_S = 5000  # that one Python coordinator serves
OBJECTS_PER_S = 20000  # references that it makes and drops


class Plan:
    """One cluster and vocabulary."""

    def __init__(self, args: argparse.Namespace, nodes: int, words: int, network: int):
        self.args, self.nodes, self.words, self.network = args, nodes, words, network
        self.schedule = Schedule(words, TOP_ROWS, max(1, MOST_ROWS_BYTES // (4 * args.dim)))
        self.rate = network * 1e9 / 8 * USABLE
        ends = self.schedule.ends
        tiers = [end - first for first, end in zip([0, *ends], ends, strict=False)]
        self.rows = sum(rows / 2**tier for tier, rows in enumerate(tiers))  # of a matrix, in an exchange, on average
        self.objects = nodes**2 * sum(
            (len(list(self.schedule.parts(t + 1))) - len(list(self.schedule.parts(t)))) / 2**t
            for t in range(len(tiers))
        )

    @property
    def sent(self) -> float:
        """Bytes that one node sends in an exchange, on average; it gets as many."""
        return bytes_exchanged(self.nodes, 1, self.args.dim) * self.rows / self.nodes

    @property
    def exchange_s(self) -> float:
        """How long an exchange takes: the network, the node's memory, the coordinator, whichever is slowest."""
        return max(self.sent / self.rate, self.memory_s, self.objects / OBJECTS_PER_S)

    @property
    def memory_s(self) -> float:
        return MEMORY_PASSES * self.rows * self.args.dim * 2 * SENT_BYTES / MEMORY_SPEED

    @property
    def interval_s(self) -> float:
        """Between two exchanges: as asked for, or as long as one takes."""
        return max(self.args.sync, self.exchange_s)

    @property
    def last_s(self) -> float:
        """The exchange of all rows at the end."""
        total = bytes_exchanged(self.nodes, self.words, self.args.dim) / self.nodes
        return total / self.rate

    @property
    def words_per_s(self) -> float:
        """Of all nodes: an exchange takes one thread of each for `memory_s`."""
        busy = min(1.0, self.memory_s / self.interval_s) / self.args.threads
        return self.nodes * self.args.node_words * (1 - busy)

    @property
    def memory(self) -> float:
        """Bytes of one node: model, what it has in common with others, parts of an exchange, its share of the ids."""
        config = TrainConfig(dim=self.args.dim, threads=self.args.threads).resolved()
        model = sum(memory_needed(config, self.words).values())
        base = 2 * self.words * self.args.dim * 4
        part = 2 * min(MOST_ROWS_BYTES, self.words * self.args.dim * 4) // 4  # packed
        return model + base + 4 * part + 4 * self.args.tokens / self.nodes

    @property
    def limit(self) -> str:
        """What sets the pace of exchanges."""
        if self.exchange_s <= self.args.sync:
            return "-"
        slowest = {
            "network": self.sent / self.rate,
            "memory": self.memory_s,
            "coordinator": self.objects / OBJECTS_PER_S,
        }
        return max(slowest, key=lambda name: slowest[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--sync", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=16, help="of a node")
    parser.add_argument("--node-words", type=float, default=8e6, help="words/s that one node trains alone")
    parser.add_argument("--tokens", type=float, default=1e11, help="of the corpus")
    args = parser.parse_args()
    print(
        f"Assumed: {args.threads} threads and {args.node_words / 1e6:g}M words/s a node, {100 * USABLE:.0f} % of the "
        f"network usable, {MEMORY_SPEED / 1e9:g} GB/s for one thread's passes over memory,\n{OBJECTS_PER_S:,} "
        f"objects/s at the coordinator; D = {args.dim}, an exchange every {args.sync:g} s, "
        f"{args.tokens / 1e9:g} G tokens, first tier {TOP_ROWS:,} rows.\n"
    )
    head = (
        "nodes",
        "V",
        "network",
        "a node sends",
        "exchange takes",
        "every",
        "limit",
        "last exchange",
        "memory a node",
        "words/s",
    )
    plans = [Plan(args, nodes, words, network) for words in WORDS for nodes in NODES for network in NETWORKS]
    print(
        table(
            head,
            (
                (
                    str(plan.nodes),
                    f"{plan.words // 1_000_000}M",
                    f"{plan.network} Gb/s",
                    size(plan.sent),
                    f"{plan.exchange_s:.2g} s",
                    f"{plan.interval_s:.2g} s",
                    plan.limit,
                    f"{plan.last_s:.2g} s",
                    size(plan.memory),
                    f"{plan.words_per_s / 1e6:.0f}M",
                )
                for plan in plans
            ),
        )
    )
    rows = []
    for nodes in NODES:
        calls = nodes / (LOOK_S * max(1.0, nodes / 16))
        objects = [f"{Plan(args, nodes, words, 10).objects:,.0f}" for words in WORDS]
        scale = lr_scale(nodes, ClusterOptions().combine)
        rows.append((str(nodes), f"{calls:,.0f}", f"{CALLS_PER_S:,}", ", ".join(objects), f"x {scale:.2g}"))
    head = ("nodes", "calls/s at the coordinator", "of at most", "objects an exchange (V = 1M, 10M)", "learning rate")
    print("\n" + table(head, rows))


if __name__ == "__main__":
    main()

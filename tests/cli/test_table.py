from __future__ import annotations

from w2v.cli.terminal import aligned, tsv, width_of


def test_tsv_has_a_header_and_a_line_a_row():
    assert tsv(["a", "b"], [["1", "2"], ["3", "4"]]) == "a\tb\n1\t2\n3\t4\n"


def test_aligned_columns_line_up_names_left_numbers_right():
    assert aligned(["section", "n"], [["family", "5"], ["x", "1,000"]]) == (
        "section      n\nfamily       5\nx        1,000\n"
    )


def test_wide_and_combining_characters_keep_the_columns():
    lines = aligned(["w", "n"], [["서울", "1"], ["e\u0301", "22"], ["王", "3"]]).splitlines()
    assert {width_of(line) for line in lines} == {8}

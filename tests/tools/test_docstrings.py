"""Docstrings in Google's, NumPy's and Sphinx's style: the description for the model, and each parameter's own text."""

import sys

import pytest

from asyncstream.tools.docstrings import read_docstring

GOOGLE = """Find books.

    Only those that can be lent.

    Args:
        title: Words of the title.
        author (str, optional): Whose. One of:
            - "any": whoever
            - "me": the reader

            Never a pen name: the real one.
        sort_by (Callable[[Book], tuple[int, str]]): In which order: smallest first.
        *more: Others.

    Keyword Args:
        limit: At most so many.
        **rest (dict[str, int]): What remains.

    Returns:
        list: The books.

    Raises:
        KeyError: There is: nothing.

    Examples:
        title: is no parameter here
    """

NUMPY = """
    Find books.

    Only those that can be lent.

    Parameters
    ----------
    title : str
        Words of the title.
    author : {"any", "me"}, optional
        Whose. One of:

        - "any": whoever
        - "me": the reader

        Never a pen name: the real one.
    sort_by : Callable[[Book], tuple[int, str]]
        In which order: smallest first.
    *more
        Others.

    Other Parameters
    ----------------
    limit: int, default 10
        At most so many.
    **rest : dict
        What remains.

    Returns
    -------
    books : list
        The books.

    See Also
    --------
    title : is no parameter here
    """

SPHINX = """Find books.

    Only those that can be lent.

    :param title: Words of the title.
    :type title: str
    :param str author: Whose. One of:

        - "any": whoever
        - "me": the reader

        Never a pen name: the real one.
    :arg Callable[[Book], int] sort_by: In which
        order: smallest first.
    :param \\*more: Others.
    :keyword int limit: At most
      so many.
    :param dict[str, int] rest: What remains.
    :returns: The books.
    :rtype: list
    :raises KeyError: There is: nothing.
    """

PARAMETERS = {
    "title": "Words of the title.",
    "author": 'Whose. One of:\n- "any": whoever\n- "me": the reader\n\nNever a pen name: the real one.',
    "sort_by": "In which order: smallest first.",
    "more": "Others.",
    "limit": "At most so many.",
    "rest": "What remains.",
}


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_three_styles_say_the_same(text):
    found = read_docstring(text)

    assert "Find books.\n\nOnly those that can be lent." == found.description
    assert PARAMETERS == found.parameters


@pytest.mark.parametrize(
    "title",
    ["Args", "Arguments", "Parameters", "Params", "Keyword Arguments", "Other Parameters", "Attributes", "args"],
)
def test_every_title_of_parameters_is_one(title):
    assert {"a": "The a."} == read_docstring(f"Do.\n\n{title}:\n    a: The a.\n").parameters


@pytest.mark.parametrize(
    "title",
    ["Returns", "Return", "Yields", "Raises", "Warns", "Example", "Examples", "Note", "Notes", "Warning", "See Also"],
)
def test_other_sections_are_told_to_nobody(title):
    found = read_docstring(f"Do.\n\n{title}:\n    a: Not this.\n\nArgs:\n    b: The b.\n")

    assert ("Do.", {"b": "The b."}) == found


def test_section_in_one_line_is_one():
    assert ("Do.", {}) == read_docstring("Do.\n\nReturns: the thing.\nRaises: an error.")


def test_prose_with_a_colon_is_no_section():
    text = "Compare two things: a and b.\nReturn only: nothing.\nparameters: see the manual."

    assert (text, {}) == read_docstring(text)


def test_what_follows_a_section_is_part_of_the_description():
    text = "Do.\n\nArgs:\n    a: The a.\n\nIt costs a cent.\n\n:param b: The b.\n\nTwo on Sundays."

    assert ("Do.\n\nIt costs a cent.\n\nTwo on Sundays.", {"a": "The a.", "b": "The b."}) == read_docstring(text)


def test_entries_that_are_not_indented_are_entries():
    assert {"a": "The a.", "b": "The b."} == read_docstring("Do.\n\nArgs:\na: The a.\nb: The b.\n\nMore.").parameters


def test_text_below_its_name_is_its_text():
    text = "Do.\n\nArgs:\n    a:\n        The a.\n    b (int):\n        The\n        b.\n    `c`: The c."

    assert {"a": "The a.", "b": "The b.", "c": "The c."} == read_docstring(text).parameters


def test_several_names_share_a_text():
    assert {"x": "Where.", "y": "Where."} == read_docstring(
        "Do.\n\nParameters\n----------\nx, y : float\n    Where."
    ).parameters


@pytest.mark.parametrize(
    "line", ["- a: The a.", "* `a`: The a.", "a -- The a.", "a - The a.", "- a (int) - The a.", "a : The a."]
)
def test_entries_are_read_as_people_write_them(line):
    assert {"a": "The a.", "b": "The b."} == read_docstring(f"Do.\n\nArgs:\n    {line}\n    b: The b.\n").parameters


def test_titles_that_nobody_knows_are_part_of_the_description():
    text = "Books\n-----\nFind books.\n\nParameters\n----------\na : int\n    The a.\n\nPrices\n------\nA cent each."

    assert ("Books\n-----\nFind books.\n\nPrices\n------\nA cent each.", {"a": "The a."}) == read_docstring(text)


def test_line_that_is_no_entry_belongs_to_nobody():
    text = "Do.\n\nArgs:\n    These are they all.\n    a: The a.\n    that was: all\n"

    assert {"a": "The a."} == read_docstring(text).parameters


def test_styles_can_be_mixed():
    text = "Do.\n\nArgs:\n    a: The a.\n\n:param b: The b.\n@param c: The c.\n@return: nothing"

    assert ("Do.", {"a": "The a.", "b": "The b.", "c": "The c."}) == read_docstring(text)


@pytest.mark.parametrize("text", ["", "   \n\n", "Do.", ":param", ":param :", ":", "Args:", "a\n---", "---\n---\n---"])
def test_little_is_read_too(text):
    assert {} == read_docstring(text).parameters


def test_field_without_a_known_word_is_prose():
    assert (":class:`Book` is what it gives.", {}) == read_docstring(":class:`Book` is what it gives.")


def test_long_docstrings_take_one_pass():
    """Text of any kind is read line by line: twice as much takes twice as many steps."""
    steps = [_steps_of("Do.\n\nArgs:\n" + "    a: ((([[[ {{{ text\n        - more\n\n" * size) for size in (200, 400)]

    assert steps[1] < 2.2 * steps[0]


def _steps_of(text: str) -> int:
    count = 0

    def counting(frame, event, arg):
        nonlocal count
        count += 1
        return counting

    before = sys.gettrace()
    sys.settrace(counting)
    try:
        read_docstring(text)
    finally:
        sys.settrace(before)
    return count

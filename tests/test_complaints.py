"""What objects say of a failure: the words, the code, and whether it is certain."""

import pytest

from asyncstream.complaints import MOST_SHOWN, complaint_in, refusal_in, shown


@pytest.mark.parametrize(
    ("value", "message", "code", "certain"),
    [
        ({"message": "m"}, "m", None, False),
        ({"msg": "m", "code": 0}, "m", 0, False),
        ({"message": "m", "code": 200}, "m", 200, False),
        ({"message": "m", "code": "204"}, "m", "204", False),
        ({"message": "m", "code": ""}, "m", "", False),
        ({"message": "m", "code": 300}, "m", 300, True),
        ({"message": "m", "code": "503"}, "m", "503", True),
        ({"message": "m", "code": "overloaded"}, "m", "overloaded", True),
        ({"message": "m", "success": False}, "m", None, True),
        ({"message": "m", "success": True}, "m", None, False),
        ({"message": "m", "status": "failed"}, "m", None, True),
        ({"message": "m", "status": "Error"}, "m", None, True),
        ({"message": "m", "status": "queued"}, "m", None, False),
        ({"message": "m", "detail": "d"}, "m", None, True),
        ({"message": "", "msg": "n", "detail": "d"}, "n", None, True),
        ({"detail": "d"}, "d", None, True),
        ({"detail": [{"loc": ["body", "n"], "msg": "too small"}]}, "body.n: too small", None, True),
        ({"error_msg": "m", "error_code": 17}, "m", 17, True),
        ({"error_message": "m"}, "m", None, True),
        ({"errors": [{"message": "m", "code": 5}]}, "m", 5, True),
        ({"errors": ["m"]}, "m", None, True),
        ({"Message": "m"}, "m", None, False),
        ({"base_resp": {"status_code": 1, "status_msg": "m"}}, "m", 1, True),
        ({"message": "half \ud83d", "code": 1}, "half \ufffd", 1, True),
    ],
)
def test_words_of_a_failure(value, message, code, certain):
    assert complaint_in(value) == (message, code, certain)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"code": 500},
        {"success": False},
        {"message": ""},
        {"message": {"text": "m"}},
        {"errors": []},
        {"errors": [{}]},
        {"errors": {"message": "m"}},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {"base_resp": "m"},
    ],
)
def test_no_words_are_no_failure(value):
    assert complaint_in(value) is None


@pytest.mark.parametrize("code", [0, "0", None, ""])
def test_answer_beside_which_all_is_well_is_not_refused(code):
    assert refusal_in({"base_resp": {"status_code": code, "status_msg": "m"}}) is None


def test_refusal_without_words_shows_what_came():
    found = refusal_in({"base_resp": {"status_code": 1008, "status_msg": ""}})

    assert found is not None
    assert '"status_code":1008' in found.message
    assert (found.code, found.certain) == (1008, True)


def test_long_words_are_shown_in_part():
    assert shown("a" * MOST_SHOWN) == "a" * MOST_SHOWN
    assert shown("a" * (MOST_SHOWN + 1)) == "a" * (MOST_SHOWN - 1) + "…"

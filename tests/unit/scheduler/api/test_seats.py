from scheduler.api.seats import Seats


def test_seats_are_so_many_for_each_and_so_many_in_all() -> None:
    seats = Seats(each=2, total=3)
    assert [seats.take("a") for _ in range(3)] == ["", "", "client"]
    assert [seats.take("b") for _ in range(2)] == ["", "all"]
    seats.give_back("a")
    assert seats.take("b") == ""

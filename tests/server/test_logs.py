"""What a server says, and does not say, in its log."""

import os

from cumulo.testing import Server


def test_clients_that_leave_in_the_middle_of_an_answer_leave_no_traceback(tmp_path):
    body = os.urandom(8 << 20)
    with Server(tmp_path / "data") as server:
        for _ in range(10):
            with server.client() as client:
                bucket = client.bucket("demo", create=True)
                bucket.put("big", body)
                reader = bucket.open("big")
                assert reader.read(1) == body[:1]

        assert "Traceback" not in server.output

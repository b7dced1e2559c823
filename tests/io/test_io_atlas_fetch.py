"""One file from a server that misbehaves: it comes whole, or one clear line comes instead."""

from __future__ import annotations

import email.utils
import hashlib
import os
import time

import pytest
from atlas_server import (
    FakeTime,
    cut,
    fetcher_for,
    jpeg,
    running,
    silent,
    status,
    trickle,
    unannounced,
    web_page,
)

from napari_dualgland.errors import DualglandError
from napari_dualgland.io.atlas import Addresses, Fetcher, RequestPolicy
from napari_dualgland.io.atlas.connection import AtlasUnavailable, FetchError, NotThere
from napari_dualgland.io.atlas.file_checks import check_jpeg
from napari_dualgland.io.atlas.request_policy import asked_wait

PATH = "/images/51244/1234_A1_1_red.jpg"
LIMIT = 2**16


class Folders:
    """A target and a cache, and what must be true of them in the end."""

    def __init__(self, tmp_path):
        self.target = tmp_path / "out" / "field_red.jpg"
        self.target.parent.mkdir()
        self.cache = tmp_path / "cache"

    def untouched(self):
        return not list(self.target.parent.iterdir())

    def unfinished(self):
        return [p for p in (self.cache / "unfinished").iterdir() if p.suffix != ".lock"]


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


def fetch(atlas, folders, path=PATH, fake=None, check=check_jpeg, **policy):
    fetcher = fetcher_for(atlas, folders.cache, fake, **policy)
    fetcher.fetch(atlas.url + path, folders.target, LIMIT, check)


def believe(_path):
    """Take whatever comes, so that decoding does not find what the transfer should have."""


def ranges(atlas):
    return [headers.get("Range") for _, headers in atlas.asked]


def test_a_file_comes_whole_with_our_name(atlas, folders):
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert os.listdir(folders.target.parent) == ["field_red.jpg"]
    assert folders.unfinished() == []
    (_, headers), *_ = atlas.asked
    assert headers["User-Agent"].startswith("napari-dualgland/")
    assert "http" in headers["User-Agent"]
    assert headers["Accept-Encoding"] == "identity"


def test_a_truncated_file_is_resumed_where_it_broke_off(atlas, folders):
    atlas.acts[PATH] = [cut(0.5), cut(0.7)]
    half = len(atlas.pages[PATH]) // 2
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas)[:2] == [None, f"bytes={half}-"]


def test_a_later_run_goes_on_where_an_earlier_one_stopped(atlas, folders):
    atlas.acts[PATH] = [cut(0.5)]
    with pytest.raises(FetchError, match="truncated"):
        fetch(atlas, folders, attempts=1)
    assert folders.untouched()
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas)[1] == f"bytes={len(atlas.pages[PATH]) // 2}-"


def test_a_file_that_changed_in_between_is_fetched_anew(atlas, folders):
    atlas.acts[PATH] = [cut(0.9, etag='"an older one"', older=jpeg(9))]
    fetch(atlas, folders, check=believe)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas)[1] is not None  # it was asked for, and the server sent the whole


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_sure_mark_nothing_is_resumed(atlas, folders, etag):
    atlas.acts[PATH] = [cut(0.5, etag=etag)]
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas) == [None, None]


def test_another_part_than_asked_for_is_thrown_away(atlas, folders):
    def wrong_part(handler, content):
        handler.say(206, content[:10], **{"Content-Range": f"bytes 0-9/{len(content)}"})

    atlas.acts[PATH] = [cut(0.5), wrong_part]
    fetch(atlas, folders, check=believe)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas)[2] is None


def test_a_part_beyond_the_end_is_asked_for_anew(atlas, folders):
    atlas.acts[PATH] = [cut(0.5), status(416)]
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert ranges(atlas)[2] is None


def test_a_file_that_always_breaks_off_costs_only_so_many_attempts(atlas, folders):
    atlas.acts[PATH] = [cut(0.1, etag=None)] * 9
    with pytest.raises(FetchError, match=r"truncated.*tried 3 times"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 3
    assert folders.untouched()


def test_cut_without_an_announced_length_is_seen_by_decoding(atlas, folders):
    def half(handler, content):
        unannounced(content[: len(content) // 2], limit=1)(handler, content)

    atlas.acts[PATH] = [half]
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert len(atlas.asked) == 2


def test_a_404_is_not_asked_twice(atlas, folders):
    with pytest.raises(NotThere, match="404"):
        fetch(atlas, folders, path="/images/51244/9_A1_1_red.jpg")
    assert len(atlas.asked) == 1


def test_a_403_concerns_this_file_alone_and_is_not_asked_twice(atlas, folders):
    atlas.acts[PATH] = [status(403)]
    with pytest.raises(FetchError, match="403") as error:
        fetch(atlas, folders)
    assert not isinstance(error.value, NotThere)
    assert len(atlas.asked) == 1


def test_too_many_requests_are_answered_by_waiting_as_told(atlas, folders):
    fake = FakeTime()
    atlas.acts[PATH] = [status(429, Retry_After="7")]
    fetch(atlas, folders, fake=fake)
    assert fake.slept == [7.0]
    assert folders.target.is_file()


def test_a_date_to_wait_for_is_understood():
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 55 < asked_wait(in_a_minute) <= 60
    assert asked_wait("30") == 30
    assert asked_wait("soon") is None
    assert asked_wait(None) is None


def test_a_wait_that_is_too_long_ends_it_all(atlas, folders):
    fake = FakeTime()
    atlas.acts[PATH] = [status(503, Retry_After="3600")]
    with pytest.raises(AtlasUnavailable, match="3600 s"):
        fetch(atlas, folders, fake=fake)
    assert fake.slept == []
    assert len(atlas.asked) == 1


def test_without_a_hint_waits_double(atlas, folders):
    fake = FakeTime()
    atlas.acts[PATH] = [status(500), status(502), status(503), status(504)]
    fetch(atlas, folders, fake=fake, attempts=5, first_wait=2.0, longest_wait=10)
    assert fake.slept == [2.0, 4.0, 8.0, 10.0]


def test_a_service_that_stays_busy_ends_it_all(atlas, folders):
    atlas.acts[PATH] = [status(503)] * 9
    with pytest.raises(AtlasUnavailable, match=r"busy.*503.*tried 3 times"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 3


def test_requests_keep_their_distance(atlas, folders):
    fake = FakeTime()
    fetcher = fetcher_for(atlas, folders.cache, fake, rate=0.5)
    for color in ("red", "green", "blue"):
        url = f"{atlas.url}/images/51244/1234_A1_1_{color}.jpg"
        fetcher.fetch(url, folders.target, LIMIT, check_jpeg)
    assert fake.slept == [2.0, 2.0]


def test_a_web_page_in_place_of_an_image(atlas, folders):
    atlas.acts[PATH] = [web_page]
    with pytest.raises(FetchError, match="web page"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 1
    assert folders.untouched()
    assert folders.unfinished() == []


def test_another_type_in_place_of_an_image(atlas, folders):
    atlas.pages[PATH] = b"\x89PNG\r\n\x1a\n" + bytes(100)
    with pytest.raises(FetchError, match="not a JPEG"):
        fetch(atlas, folders)
    assert folders.untouched()


def test_a_huge_file_is_refused_by_what_it_announces(atlas, folders):
    atlas.acts[PATH] = [
        lambda handler, _: handler.say(200, b"\xff\xd8\xff", **{"Content-Length": str(2**40)})
    ]
    with pytest.raises(FetchError, match="larger than"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 1
    assert folders.unfinished() == []


def test_a_huge_file_is_refused_where_it_announces_nothing(atlas, folders):
    atlas.acts[PATH] = [unannounced(b"\xff\xd8\xff" + bytes(2**14))]
    with pytest.raises(FetchError, match="larger than"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 1
    assert folders.unfinished() == []


def test_silence_is_not_waited_for_forever(atlas, folders):
    atlas.acts[PATH] = [silent(0.4)]
    fetch(atlas, folders, timeout=0.1)
    assert folders.target.read_bytes() == atlas.pages[PATH]
    assert len(atlas.asked) == 2


def test_a_trickle_is_not_waited_for_forever(atlas, folders):
    atlas.acts[PATH] = [trickle]
    policy = RequestPolicy(attempts=1, patience=0.1, slowest=1e6, timeout=5)
    fetcher = Fetcher(atlas.addresses, policy, folders.cache)
    start = time.monotonic()
    with pytest.raises(FetchError, match="too slow"):
        fetcher.fetch(atlas.url + PATH, folders.target, LIMIT, check_jpeg)
    assert time.monotonic() - start < 0.8
    assert folders.untouched()


def redirect(to):
    return status(302, Location=to)


def test_a_redirect_within_the_atlas_is_followed(atlas, folders):
    other = "/images/51244/1234_A1_1_green.jpg"
    atlas.acts[PATH] = [redirect(other)]
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[other]


def test_a_redirect_to_another_host_is_refused_and_not_asked(atlas, folders):
    with running() as stranger:
        atlas.acts[PATH] = [redirect(stranger.url + PATH)]
        with pytest.raises(FetchError, match="outside the atlas"):
            fetch(atlas, folders)
        assert stranger.asked == []
    assert folders.untouched()


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "https://127.0.0.1/x",
        "//example.org/x",
        "http://user:secret@127.0.0.1/x",
        "http://127.0.0.1.example.org/",
    ],
)
def test_a_redirect_to_elsewhere_is_refused(atlas, folders, to):
    atlas.acts[PATH] = [redirect(to)]
    with pytest.raises(FetchError, match="outside the atlas"):
        fetch(atlas, folders)
    assert len(atlas.asked) == 1


def test_going_round_in_circles_ends(atlas, folders):
    atlas.acts[PATH] = [redirect(PATH)] * 99
    with pytest.raises(FetchError, match="redirected more than"):
        fetch(atlas, folders)
    assert len(atlas.asked) < 10


def test_what_is_outside_the_atlas_is_never_asked_for(folders):
    fetcher = Fetcher(Addresses(), RequestPolicy(), folders.cache)
    with pytest.raises(FetchError, match="outside the atlas"):
        fetcher.fetch("http://127.0.0.1:9/x", folders.target, LIMIT, check_jpeg)


def test_nobody_there(folders, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running() as gone:
        fetcher, url = fetcher_for(gone, folders.cache), gone.url + PATH
    with pytest.raises(AtlasUnavailable, match="cannot be reached; tried 3 times"):
        fetcher.fetch(url, folders.target, LIMIT, check_jpeg)


def test_an_older_file_stays_until_the_new_one_is_whole(atlas, folders):
    folders.target.write_bytes(b"older")
    atlas.acts[PATH] = [web_page]
    with pytest.raises(FetchError):
        fetch(atlas, folders)
    assert folders.target.read_bytes() == b"older"
    fetch(atlas, folders)
    assert folders.target.read_bytes() == atlas.pages[PATH]


def test_a_page_is_fetched_once_and_kept_by_release_and_place(atlas, folders):
    fetcher = fetcher_for(atlas, folders.cache)
    atlas.pages["/v24/page.jpg"] = jpeg()
    paths = {fetcher.page(f"{atlas.url}/v24/page.jpg", "p.jpg", LIMIT, check_jpeg) for _ in "12"}
    assert len(paths) == 1
    assert len(atlas.asked) == 1
    other = atlas.addresses.model_copy(update={"release": "23"})
    atlas.pages["/v23/page.jpg"] = jpeg(1)
    again = Fetcher(other, fetcher.policy, folders.cache)
    path = again.page(f"{atlas.url}/v23/page.jpg", "p.jpg", LIMIT, check_jpeg)
    assert hashlib.sha256(path.read_bytes()) != hashlib.sha256(paths.pop().read_bytes())
    assert len(atlas.asked) == 2


def test_two_downloads_do_not_write_to_one_folder(atlas, folders):
    fetcher = fetcher_for(atlas, folders.cache)
    with (
        fetcher.locked(folders.target.parent),
        pytest.raises(DualglandError, match="another download"),
        fetcher_for(atlas, folders.cache).locked(folders.target.parent),
    ):
        pytest.fail("the folder was held twice")

"""What a newcomer does after `make run`, in a real browser, from the first page to the recovery mail."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

# The promise: all faults within two minutes of the first page, each turn of a knob within 90 s.
FIRST_ROUND_S = 120
TURN_S = 90
CAUSES = ("离线", "遮挡", "画面偏移", "虚焦", "画面冻结", "登录被拒", "时区错误", "抓图异常", "响应过慢")


def until(holds: Callable[[], object], seconds: float) -> None:
    """Ask again and again; fail when it is not true within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not true within {seconds} s"
        time.sleep(0.5)


def badges(page: Page) -> list[str]:
    """The causes that the list of open incidents shows, without consequences."""
    return [text.strip() for text in page.locator("main .badge").all_inner_texts()]


def test_the_first_page_tells_every_fault_and_nothing_else(desk: Visitor) -> None:
    page = desk.sign_in("officer")
    left = FIRST_ROUND_S - (time.monotonic() - desk.site.ready_at)

    until(lambda: "10 起故障" in page.inner_text("main"), left)
    until(lambda: page.inner_text("h1") == "30 个点位，现在 17 个看得清。", 30)

    assert "影响 5 台设备" in page.inner_text("main")
    desk.open("/incidents/")
    assert sorted(set(badges(page))) == sorted(CAUSES)


def test_the_outage_mails_can_be_read_one_per_cause(desk: Visitor) -> None:
    page = desk.sign_in("officer")

    def mails() -> list[str]:
        desk.open("/demo/mail/")
        return [line for line in page.inner_text("main").splitlines() if line.startswith("【")]

    until(lambda: len(mails()) >= 10, TURN_S)
    page.get_by_role("link", name=re.compile("遮挡")).first.click()
    page.wait_for_load_state()

    assert "北门出入口" in page.inner_text("main")
    assert "127.0.0.1:" not in page.inner_text("main").replace(desk.site.address, "")


def test_a_covered_lens_is_flagged_mailed_and_put_right(desk: Visitor) -> None:
    page = desk.sign_in("officer")

    page.get_by_role("button", name="遮住一个镜头").click()
    page.wait_for_selector("#demo-counter [data-step=read]:not([hidden])", timeout=TURN_S * 1000)
    assert "遮挡" in page.inner_text("main")

    page.get_by_role("button", name="还原").click()
    page.wait_for_selector("#demo-counter [data-step=read]:not([hidden])", timeout=TURN_S * 1000)

    until(lambda: "遮挡" not in page.inner_text(".title"), TURN_S)


def test_an_unplugged_switch_is_one_card(desk: Visitor) -> None:
    page = desk.sign_in("officer")

    page.get_by_role("button", name="断开一台交换机").click()
    page.wait_for_selector("#demo-counter [data-step=read]:not([hidden])", timeout=TURN_S * 1000)
    desk.open("/")
    until(lambda: page.inner_text("main").count("交换机") >= 2, 30)

    page.get_by_role("button", name="还原").click()
    page.wait_for_selector("#demo-counter [data-step=read]:not([hidden])", timeout=TURN_S * 1000)


def test_a_look_shows_each_fact_as_it_is_learned(desk: Visitor) -> None:
    page = desk.sign_in("officer")
    desk.open("/devices/?q=东门出入口")
    page.get_by_role("link", name=re.compile("东门出入口")).first.click()

    page.get_by_role("button", name="再看一次").first.click()
    page.wait_for_url(re.compile("/looks/"))

    for fact in ("链路", "登录", "时钟", "画面"):
        page.get_by_text(fact).first.wait_for(timeout=20_000)


def test_a_real_device_may_not_be_on_this_machine(desk: Visitor) -> None:
    """The demo's exception for loopback reaches no real installation."""
    page = desk.sign_in("officer")
    fill_in(desk, "127.0.0.1:9")

    assert page.url.endswith("/devices/add/")
    assert "该地址是平台本机" in page.inner_text("main")


def test_a_camera_is_added_by_address_and_looked_at_at_once(desk: Visitor) -> None:
    page = desk.sign_in("officer")
    fill_in(desk, "192.0.2.10")  # reserved for documentation: nobody answers there

    page.wait_for_url(re.compile("/looks/"))
    page.get_by_text("离线").first.wait_for(timeout=30_000)


def fill_in(visitor: Visitor, address: str) -> None:
    """Send the form for a new camera in a new compound."""
    visitor.open("/devices/add/")
    page = visitor.page
    page.select_option("select[name=compound]", label="新建小区")
    page.fill("input[name=new_compound]", "浏览器走查小区")
    page.fill("input[name=name]", "1号机")
    page.fill("input[name=address]", address)
    page.get_by_role("button", name="保存并立即测试").click()
    page.wait_for_load_state()


def test_the_page_speaks_english_when_asked(desk: Visitor) -> None:
    page = desk.sign_in("officer")

    page.get_by_role("button", name="English").click()
    page.wait_for_load_state()

    assert "can be seen clearly now." in page.inner_text("h1")
    page.get_by_role("button", name="中文").click()


def test_a_technician_sees_the_list_of_his_own_on_a_phone(phone: Visitor) -> None:
    page = phone.sign_in("technician")

    assert "合肥路小区" in page.inner_text("main")
    assert "延吉路花园" not in page.inner_text("body")
    assert phone.open("/devices/add/") in (403, 404)


@pytest.mark.parametrize("path", ["/", "/devices/", "/incidents/", "/devices/add/", "/demo/", "/demo/mail/"])
def test_no_page_is_wider_than_a_phone(phone: Visitor, path: str) -> None:
    page = phone.sign_in("officer")
    phone.open(path)

    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390

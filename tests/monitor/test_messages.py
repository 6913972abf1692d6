"""Specification of the Chinese texts: complete, in step with the product, in its words, punctuated as Chinese is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from django.template import Context, Template
from django.utils import translation
from django.utils.translation import gettext, ngettext, pgettext

from monitor import words
from monitor.alerts.mail import compose
from monitor.causes import CAUSES, UNKNOWN_OURS, UNKNOWN_THEIRS
from monitor.models import Event
from tests import factories, messages

HAN = "[\u3400-\u9fff]"
FULL = "[\u3400-\u9fff\u3001-\u301f\uff01-\uffef]"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
MARKUP = re.compile(r"<[^>]+>")
# What the product calls otherwise: most of these words mean something else to a police tech officer.
WRONG_WORDS = (
    "终端",
    "截图",
    "防区",
    "承包商",
    "探头",
    "事件",
    "不合格",
    "您",
    "毛(值|率|额|分)",
    "净(值|率|额|分)",
)
AUGUST = datetime(2026, 8, 3, 6, 3, tzinfo=UTC)  # 14:03 in Beijing


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The catalogue as it is committed."""
    return messages.kept()


@pytest.fixture(scope="module")
def pairs(catalogue: Catalog) -> list[tuple[str, str]]:
    """Each message id (the plural where there is one) with its Chinese text."""
    return [(_told(item.id), _told(item.string)) for item in catalogue if item.id]


@pytest.fixture
def chinese() -> Iterator[None]:
    """The reader's language is Chinese."""
    with translation.override("zh-hans"):
        yield


def _told(text: object) -> str:
    return str(text[-1]) if isinstance(text, (tuple, list)) else str(text)


# -- the catalogue


def test_every_text_of_the_product_is_in_the_catalogue(catalogue: Catalog) -> None:
    assert messages.missing(catalogue) == []


def test_every_text_is_translated(catalogue: Catalog) -> None:
    assert [item.id for item in messages.untranslated(catalogue)] == []


def test_the_catalogue_keeps_no_text_that_the_product_has_lost(catalogue: Catalog) -> None:
    known = messages.collect()

    assert [item.id for item in catalogue if item.id and known.get(item.id, item.context) is None] == []


def test_what_is_read_at_run_time_is_what_the_catalogue_compiles_to(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)

    assert messages.CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue()


def test_chinese_has_one_form_for_all_numbers(catalogue: Catalog) -> None:
    assert catalogue.num_plurals == 1
    assert {len(item.string or ()) for item in catalogue if item.pluralizable} == {1}


def test_every_cause_and_every_reason_for_not_knowing_is_collected(catalogue: Catalog) -> None:
    texts = [text for cause in CAUSES.values() for text in (cause.title, cause.sentence, cause.next_step)]

    for text in (*texts, *UNKNOWN_OURS.values(), *UNKNOWN_THEIRS.values()):
        assert catalogue.get(text) is not None, text


# -- each text


def test_a_translation_has_the_placeholders_of_its_id(pairs: list[tuple[str, str]]) -> None:
    for told, chinese in pairs:
        assert sorted(PLACEHOLDER.findall(chinese)) == sorted(PLACEHOLDER.findall(told)), told
        assert "%" not in PLACEHOLDER.sub("", chinese) or "%(" not in told, told


def test_a_translation_has_the_markup_of_its_id(pairs: list[tuple[str, str]]) -> None:
    for told, chinese in pairs:
        assert sorted(MARKUP.findall(chinese)) == sorted(MARKUP.findall(told)), told


@pytest.mark.parametrize("word", WRONG_WORDS)
def test_no_text_uses_a_word_that_is_ruled_out(word: str, pairs: list[tuple[str, str]]) -> None:
    assert [chinese for _, chinese in pairs if re.search(word, chinese)] == []


@pytest.mark.parametrize(
    "slip",
    [
        rf"{HAN}[,.;:!?()]|[,;:!?(]{HAN}",
        rf"{FULL} +{FULL}",
        r"[，。：；？！、）】] | [，。：；？！、（【]",
        r"\.\.\.|。。|，，",
        r"^\s|\s$",
    ],
)
def test_chinese_is_punctuated_in_full_width_and_set_without_spaces(slip: str, pairs: list[tuple[str, str]]) -> None:
    assert [chinese for _, chinese in pairs if re.search(slip, chinese)] == []


def test_a_sentence_stays_a_sentence_and_a_label_a_label(pairs: list[tuple[str, str]]) -> None:
    for told, chinese in pairs:
        if re.search(r"\w[.)\u201d]?\.$", told) and len(told) > len("m.m."):
            assert chinese.endswith("。"), told
        elif re.search(r"\w$", told):
            assert not chinese.endswith(("。", "，", "：")), told


def test_a_refused_login_is_not_called_offline() -> None:
    with translation.override("zh-hans"):
        refused = [cause for cause in CAUSES.values() if cause.category == "login"]

        assert [cause.key for cause in refused if "离线" in gettext(cause.title) + gettext(cause.sentence)] == []


# -- as it is read


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 秒"),
        (59, "59 秒"),
        (60, "1 分钟"),
        (11_520, "3 小时 12 分钟"),
        (7_200, "2 小时"),
        (86_400, "1 天"),
        (2 * 86_400 + 5 * 3_600, "2 天 5 小时"),
    ],
)
def test_a_length_of_time_in_chinese(seconds: float, told: str, chinese: None) -> None:
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (0.0, "不到一成"),
        (0.1, "约一成"),
        (0.2, "约两成"),
        (0.5, "约五成"),
        (0.6, "约六成"),
        (0.9, "约九成"),
        (1.0, "全部"),
    ],
)
def test_a_share_in_chinese(part: float, told: str, chinese: None) -> None:
    assert words.share(part) == told


@pytest.mark.parametrize(("seconds", "told"), [(28_800, "快 8 小时"), (-90, "慢 1 分钟"), (0.8, "快 0 秒")])
def test_a_clock_offset_in_chinese(seconds: float, told: str, chinese: None) -> None:
    assert words.offset(seconds) == told


@pytest.mark.parametrize(
    ("cause", "detail", "title", "told"),
    [
        ("obstructed", {"share": 0.54}, "遮挡", "画面约五成被挡。"),
        ("obstructed", {"share": 0.61}, "遮挡", "画面约六成被挡。"),
        ("obstructed", {"share": 1.0}, "遮挡", "画面全部被挡。"),
        ("moved", {}, "画面偏移", "镜头朝向已偏离验收时的画面。"),
        ("frozen", {}, "画面冻结", "画面不再变化。"),
        ("blur", {}, "虚焦", "画面虚焦：基准画面里的细节看不到了。"),
        ("login_refused", {}, "登录被拒", "用户名或密码不对，已暂停登录（防锁定）。"),
        ("clock_off", {"offset_s": -130.0}, "时钟偏差", "时钟慢 2 分钟。"),
        ("time_zone", {"offset_s": 28_799.2, "hours": 8}, "时区错误", "时钟快 8 小时整，应是时区设错。"),
        ("not_a_picture", {"content": "HTML"}, "抓图异常", "抓图地址返回 HTML，不是图片。"),
        ("picture_too_slow", {"rate": "1 B/s", "limit": 9}, "响应过慢", "传图速度只有 1 B/s，9 秒内没有取全。"),
        ("port_closed", {}, "离线", "端口不通：设备断电，或设备服务已停。"),
        ("identity_changed", {"serial": "B2", "expected": "A1"}, "疑似换机", "应答的序列号是 B2，验收时是 A1。"),
    ],
)
def test_a_cause_in_chinese(cause: str, detail: dict[str, object], title: str, told: str, chinese: None) -> None:
    assert (words.title(cause), words.sentence(cause, detail)) == (title, told)


def test_the_same_english_word_is_told_apart_by_what_it_stands_for(chinese: None) -> None:
    assert (gettext("Open"), pgettext("incident", "Open")) == ("开放式", "未恢复")


@pytest.mark.parametrize("n", [1, 2, 11])
def test_a_number_is_counted_with_the_measure_word_of_what_it_counts(n: int, chinese: None) -> None:
    assert ngettext("%(n)s compound", "%(n)s compounds", n) % {"n": n} == f"{n} 个小区"
    assert ngettext("%(n)s cause", "%(n)s causes", n) % {"n": n} == f"{n} 起故障"


@pytest.mark.parametrize(("language", "told"), [("zh-hans", "一。二"), ("en", "一。 二")])
def test_chinese_sentences_follow_each_other_without_a_space(language: str, told: str) -> None:
    page = Template("{% load viewkeeper %}一。{% apart %}二")

    with translation.override(language):
        assert page.render(Context()) == told


@pytest.mark.django_db
def test_a_mail_reads_as_one_text_in_chinese() -> None:
    place = factories.compound(name="合肥路小区")
    camera = factories.device(place, name="北门出入口", slot=factories.slot(place, sees="北门车行、人行出入口"))
    incident = factories.incident(camera, "obstructed", started_at=AUGUST, detail={"share": 0.52})
    reader = factories.user(language="zh-hans", name="王敏")

    with time_machine.travel(AUGUST.replace(hour=7), tick=False):
        message = compose(factories.notification(factories.event(incident), reader))

    assert message.subject == "【遮挡】合肥路小区 · 北门出入口 14:03 起"
    assert message.body.splitlines()[:8] == [
        "合肥路小区：现在看不到北门车行、人行出入口。",
        "",
        "点位：合肥路小区 · 北门出入口",
        "情况：▲ 遮挡。画面约五成被挡。",
        "开始：14:03",
        "看不到：北门车行、人行出入口",
        "下一步：清除镜头前的遮挡物，然后再看一次。",
        "",
    ]
    assert (
        "王敏 收到本邮件，因为账号开启了故障邮件。\n邮件不带画面、地址和密码。恢复时会在本邮件下回复一次。"
        in message.body
    )


@pytest.mark.django_db
def test_the_mail_of_a_recovery_reads_as_one_text_in_chinese() -> None:
    camera = factories.device(factories.compound(name="延吉路花园"), name="南门出入口")
    ended = AUGUST.replace(minute=50)
    incident = factories.incident(camera, "no_answer", started_at=AUGUST, ended_at=ended)
    reader = factories.user(language="zh-hans")

    with time_machine.travel(ended, tick=False):
        message = compose(factories.notification(factories.event(incident, kind=Event.Kind.CLOSED), reader))

    assert message.subject == "【已恢复】延吉路花园 · 南门出入口 离线，持续 47 分钟"
    assert "延吉路花园 · 南门出入口 已恢复。\n离线持续了 47 分钟。" in message.body
    assert "开始：14:03，持续 47 分钟\n" in message.body


# -- the tool


def message(told: object, string: object, **more: object) -> Message:
    return Message(told, string, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (message("a", "甲"), []),
        (message("a", ""), ["a"]),
        (message("a", "甲", flags={"fuzzy"}), ["a"]),
        (message(("a", "b"), ("甲",)), []),
        (message(("a", "b"), ("", "")), [("a", "b")]),
        (message(("a", "b"), ("甲", "")), [("a", "b")]),
        (message("", ""), []),
    ],
)
def test_what_is_empty_or_doubtful_is_reported(item: Message, found: list[object]) -> None:
    assert [each.id for each in messages.untranslated([item])] == found  # type: ignore[arg-type]


def test_a_context_of_its_own_is_a_text_of_its_own() -> None:
    only_plain = Catalog(locale="zh_Hans")
    for item in messages.collect():
        if item.id and not item.context:
            only_plain.add(item.id)

    missing = messages.missing(only_plain)

    assert "Open" in missing
    assert "Offline" not in missing


def test_updating_keeps_what_is_translated_drops_what_is_gone_and_leaves_what_is_new_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "CATALOGUE", tmp_path / "zh" / "django.po")
    before = Catalog(locale="zh_Hans")
    before.add("Offline", "离线")
    before.add("No longer said.", "不再说。")
    monkeypatch.setattr(messages, "kept", lambda: before)

    after = messages.update()

    assert after["Offline"].string == "离线"
    assert "No longer said." not in after
    assert not after["Obstructed"].string
    assert (tmp_path / "zh" / "django.mo").exists()


@pytest.mark.parametrize(("argv", "status"), [(["--check"], 1), ([], 1)])
def test_an_incomplete_catalogue_is_an_error(
    argv: list[str],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(messages, "CATALOGUE", tmp_path / "django.po")
    monkeypatch.setattr("sys.argv", ["messages", *argv])

    assert messages.main() == status
    assert messages.CATALOGUE.exists() is not bool(argv)
    assert ("not in the catalogue: 'Offline'" in capsys.readouterr().out) is bool(argv)


def test_a_complete_catalogue_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["messages", "--check"])

    assert messages.main() == 0
    assert capsys.readouterr().out.endswith("0 missing, 0 untranslated\n")

"""Each sink against a real server of its kind."""

import hashlib
import hmac
import json
import re
import socket
import stat
import threading
from pathlib import Path

import pytest

from gateway.alerts.jsonfile import JsonFile
from gateway.alerts.mail import Account, Mail
from gateway.alerts.sinks import Sink
from gateway.alerts.syslog import Syslog
from gateway.alerts.webhook import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, Webhook
from gateway.alerts.wording import Wording, Writer
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.errors import TransientError
from tests.support.alertservers import datagrams, http_server, listener, smtp_server
from tests.support.ledger import ToldClock

SECRET = b"shared by both"
CLOCK = ToldClock(1_772_000_000.0)
FACTS = {
    "case_no": "A9901020000002026030012",
    "unit": "990102",
    "is_ours": False,
    "person": "张**",
    "flow": "arrest-request",
    "flow_zh": "提请批准逮捕",
    "flow_en": "Arrest request",
    "term_zh": "7日内决定",
    "term_en": "Decided within 7 days",
    "basis": "cpl:91.3",
    "last_day": "2026-03-09",
}


def worded(severity: Severity = Severity.WARNING, number: int = 17, **facts: str) -> Wording:
    alert = Alert(
        CLOCK.time, AlertKind.DEADLINE, severity, "term 1", "arrest-request/arrest-detained", {**FACTS, **facts}, number
    )
    return Writer("990102000000", 7).wording(alert)


def refused(sink: Sink) -> TransientError:
    with pytest.raises(TransientError) as caught:
        sink.send(worded())
    assert (caught.value.code, caught.value.facts) == ("alert-not-taken", {"sink": "duty"})
    return caught.value


def test_a_wording_says_it_in_both_languages_and_names_nobody() -> None:
    said = json.loads(worded().as_json())
    assert (said["id"], said["severity"], said["at"]) == ("990102000000-7-17", "warning", "2026-02-25T06:13:20Z")
    assert "Decided within 7 days" in said["text"]["en"]
    assert "990102" in said["text"]["en"]
    assert "7日内决定" in said["text"]["zh"]
    assert "张**" in said["text"]["zh"]


def webhook(url: str) -> Webhook:
    return Webhook("duty", url, SECRET, timeout=60, clock=CLOCK)


def test_a_webhook_posts_json_that_the_secret_signs() -> None:
    with http_server() as posts:
        webhook(posts.url).send(worded())
    ((path, headers, body),) = posts.got
    assert path == "/hook?unit=1"
    assert json.loads(body)["facts"]["case_no"] == FACTS["case_no"]
    signed = f"{headers[ID_HEADER]}.{headers[TIME_HEADER]}.".encode() + body
    assert headers[SIGNATURE_HEADER] == "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert (headers[ID_HEADER], headers[TIME_HEADER]) == ("990102000000-7-17", "1772000000")


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_answers_anything_else_has_not_taken_it_and_is_not_followed(status: int) -> None:
    with http_server() as elsewhere, http_server() as posts:
        posts.status, posts.headers = status, {"Location": elsewhere.url}
        assert refused(webhook(posts.url)).detail == f"HTTP status {status}"
        assert len(posts.got) == 1
        assert elsewhere.got == []


def test_a_webhook_asks_the_environment_for_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as proxy, http_server() as posts:
        monkeypatch.setenv("http_proxy", proxy.url)
        webhook(posts.url).send(worded())
        assert (len(posts.got), len(proxy.got)) == (1, 0)


def test_a_webhook_that_is_not_there_or_says_nothing() -> None:
    with listener() as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}/"
        silent = Webhook("duty", place, SECRET, timeout=0.05, clock=CLOCK)
        assert refused(silent).detail == "TimeoutError"
    assert refused(webhook(place)).detail == "ConnectionRefusedError"


def mail(port: int, security: str = "none", account: Account | None = None) -> Mail:
    to = ("a@police.example", "b@police.example")
    return Mail(
        "duty",
        "127.0.0.1",
        port,
        sender="ferry@police.example",
        to=to,
        security=security,
        timeout=60,
        account=account,
    )


def test_a_mail_goes_to_all_in_both_languages_and_bears_one_id() -> None:
    with smtp_server() as box:
        mail(box.port, account=Account("ferry", "secret")).send(worded())
    (found,) = box.mails
    assert box.logins == [("ferry", "secret")]
    assert found["Subject"].strip() == "[CaseFerry warning] arrest-request/arrest-detained A9901020000002026030012"
    assert found["Message-ID"] == "<990102000000-7-17@police.example>"
    assert found["To"] == "a@police.example, b@police.example"
    text = found.get_content()
    assert "Decided within 7 days" in text
    assert "7日内决定" in text


def test_a_mail_server_that_refuses_or_cannot_be_safe_has_not_taken_it() -> None:
    with smtp_server() as box:
        box.refuses = True
        assert refused(mail(box.port)).detail == "SMTPRecipientsRefused"
        box.refuses = False
        assert refused(mail(box.port, "starttls", Account("ferry", "secret"))).detail == "SMTPNotSupportedError"
        # What was to be protected was not said in the clear.
        assert (box.mails, box.logins) == ([], [])


HEAD = re.compile(
    rb"<(\d+)>1 2026-02-25T06:13:20Z ferry caseferry - deadline "
    rb'\[caseferry@32473 id="990102000000-7-17" unit="990102000000" kind="deadline" '
    rb'name="arrest-request/arrest-detained" case="A9901020000002026030012" flow="arrest-request"\] \xef\xbb\xbf'
)


def syslog(way: str, place: Path | tuple[str, int]) -> Syslog:
    return Syslog("duty", way, place, facility=16, host="ferry", timeout=60)


@pytest.mark.parametrize("way", ["unix", "udp"])
def test_a_syslog_datagram(tmp_path: Path, way: str) -> None:
    with datagrams(tmp_path / "log" if way == "unix" else None) as receiver:
        place = tmp_path / "log" if way == "unix" else receiver.getsockname()
        syslog(way, place).send(worded())
        raw = receiver.recv(4096)
    head = HEAD.match(raw)
    assert head is not None
    assert int(head[1]) == 16 * 8 + 4
    assert "7日内决定" in raw[head.end() :].decode()


def test_syslog_over_tcp_is_framed_by_its_length() -> None:
    with listener() as server:
        syslog("tcp", server.getsockname()).send(worded(Severity.CRITICAL))
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            length, _, rest = stream.read().partition(b" ")
    assert int(length) == len(rest)
    assert rest.startswith(b"<130>1 ")


def test_a_syslog_line_fits_into_what_every_receiver_takes_and_quotes_what_it_must(tmp_path: Path) -> None:
    with datagrams(tmp_path / "log") as receiver:
        syslog("unix", tmp_path / "log").send(worded(case_no='a"]\\\n', term_zh="长" * 3000))
        raw = receiver.recv(8192)
    assert len(raw) <= 2048 + 200
    assert rb'case="a\"\]\\"' in raw
    raw.decode("utf-8")


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    assert refused(syslog("unix", tmp_path / "none")).detail == "FileNotFoundError 2"


def test_a_file_takes_lines_and_is_numbered_when_full(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    size = len(worded().as_json()) + 1
    sink = JsonFile("duty", path, rotation=2 * size + 10, keep=2)
    for number in range(11, 18):
        sink.send(worded(number=number))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = {
        one.name: [json.loads(line)["id"][-2:] for line in one.read_text().splitlines()] for one in tmp_path.iterdir()
    }
    assert found == {"alerts.jsonl": ["17"], "alerts.jsonl.1": ["15", "16"], "alerts.jsonl.2": ["13", "14"]}


def test_a_file_whose_folder_is_gone(tmp_path: Path) -> None:
    assert refused(JsonFile("duty", tmp_path / "gone" / "a", rotation=4096, keep=1)).detail == "FileNotFoundError 2"


def test_every_way_to_fail_hides_what_the_server_said() -> None:
    """A server may repeat in its answer what it was told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"554 A9901020000002026030012 refused\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        detail = refused(mail(port)).detail
        thread.join()
    assert "A990102" not in detail
    assert detail == "SMTPConnectError 554"


def test_a_case_number_of_another_agency_breaks_no_header_and_no_line(tmp_path: Path) -> None:
    hostile = worded(case_no="A1\r\nBcc: thief@example\x1b[2J" + "9" * 5000)
    with smtp_server() as box:
        mail(box.port).send(hostile)
    (found,) = box.mails
    assert found["Bcc"] is None
    assert len(found["Subject"]) < 300
    with datagrams(tmp_path / "log") as receiver:
        syslog("unix", tmp_path / "log").send(hostile)
        raw = receiver.recv(16384)
    assert len(raw) <= 2048 + 200
    assert not set(raw) & {0x0A, 0x0D, 0x1B}

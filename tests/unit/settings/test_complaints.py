"""Every fault is said at its line and column, with what to do; all faults of all files at once."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.settings.complaints import TEMPLATES, Complaint, SettingsError, nearest
from gateway.settings.complaints_standard import TEMPLATES as OF_STANDARD
from gateway.settings.crosscheck import Known
from gateway.settings.load import check, load
from gateway.settings.marks import FILE_MAX
from tests.support.configs import GRANT, LINK, NODE, ROUTES, config

FLOWS = ("arrest-request", "custody-transfer")
ROLES = ("police", "court", "procuratorate")
FIELDS = ("person-name", "sex")
PROFILES = ("full", "reduced", "masked")
COURT = LINK.replace("990102", "990103").replace("procuratorate", "court").replace("10.0.0.2", "10.0.0.3")


def codes(folder: Path) -> list[str]:
    """Return `file:line:column code` of every complaint, the file as seen from the folder."""
    found = check(folder, Known(("police", "folder"), FLOWS, ROLES, FIELDS, PROFILES))
    assert (found.settings is None) == bool(found.complaints)
    return [f"{os.path.relpath(one.file, folder)}:{one.line}:{one.column} {one.code}" for one in found.complaints]


def told(folder: Path) -> str:
    return "\n".join(str(one) for one in check(folder, Known(("police", "folder"), FLOWS)).complaints)


FERRY = 'name: procuratorate\npeer: "990102"\ntransport: folder\nfolder:\n'
BOTH_WAYS = FERRY + "  deposit: ../ferry-out\n  collect: ../ferry-in\n"
CRONS = (
    "",
    "0 22 * *",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 * 13 *",
    "5-1 * * * *",
    "0 0 * * 1",
    "0 0 * * x-y",
)
CRONS += ("*/0 * * * *", "1/5 * * * *", "0 0 * * fri-mon", "0 0 * * mon,,tue", "0 0 * * * *")


def ruled(*lines: str, cc: bool = False) -> dict[str, str | bytes]:
    """Return the routes with these rules, or copies, behind the receivers: the first stands in line 8."""
    rules = "".join(f"      - {{{line}}}\n" for line in lines)
    head, tail = ROUTES.split("inbound:")
    return {"routes": f"{head}    {'cc' if cc else 'rules'}:\n{rules}inbound:{tail}"}


# Name of the fault -> (which files are other than sound, what is said of them).
ALERTS = """\
alerts:
  sinks:
    - name: duty
"""

FAULTS: dict[str, tuple[dict[str, str | bytes], list[str]]] = {
    # how a file is written
    "empty": ({"node": "# nothing yet\n"}, ["gateway.yaml:1:1 file-empty"]),
    "null": ({"node": "~\n"}, ["gateway.yaml:1:1 file-empty"]),
    "a text instead": ({"node": "hello\n"}, ["gateway.yaml:1:1 not-a-section"]),
    "a list instead": ({"node": "- a\n"}, ["gateway.yaml:1:1 not-a-section"]),
    "gbk": ({"node": NODE.encode("gbk")}, ["gateway.yaml:3:10 not-utf8"]),
    "too large": ({"node": NODE + "#" * FILE_MAX}, ["gateway.yaml:1:1 file-too-large"]),
    "two documents": ({"node": NODE + "---\nnode: {}\n"}, ["gateway.yaml:6:1 yaml-documents"]),
    "tab": ({"node": "node:\n\tunit: x\n"}, ["gateway.yaml:2:1 yaml-tab"]),
    "open bracket": ({"node": NODE + "log: [\n"}, ["gateway.yaml:7:1 yaml-broken"]),
    "open quote": ({"node": NODE + 'log: "\n'}, ["gateway.yaml:7:1 yaml-broken"]),
    "impossible character": ({"node": NODE + 'log: "\\UFFFFFFFF"\n'}, ["gateway.yaml:1:1 yaml-broken"]),
    "control character": ({"node": NODE + "# \x07\n"}, ["gateway.yaml:6:3 text-control"]),
    "escaped control character": (
        {"node": NODE.replace("示例区公安局", '"a\\eb"')},
        ["gateway.yaml:3:9 text-control"],
    ),
    "two lines of text": ({"node": NODE.replace("示例区公安局", "|\n    a\n    b")}, ["gateway.yaml:3:9 text-control"]),
    "alias": ({"node": NODE + "log: *a\n"}, ["gateway.yaml:6:6 yaml-alias"]),
    "bare star": ({"routes": ROUTES + "    flows: [*]\n"}, ["routes.d/a.yaml:11:14 yaml-alias"]),
    "bare star as key": ({"routes": ROUTES.replace('"990102":', "*:")}, ["routes.d/a.yaml:6:8 yaml-alias"]),
    "anchor": ({"node": NODE.replace("示例", "&x 示例")}, ["gateway.yaml:3:9 yaml-anchor"]),
    "tag": ({"node": NODE.replace("示例", "!!str 示例")}, ["gateway.yaml:3:9 yaml-tag"]),
    "python tag": ({"node": "node: !!python/object/apply:os.system [true]\n"}, ["gateway.yaml:1:7 yaml-tag"]),
    "deep": ({"node": NODE + "log: " + "[" * 40 + "]" * 40 + "\n"}, ["gateway.yaml:6:21 yaml-deep"]),
    # grants and masking
    "grant of an unknown flow": (
        {"grant_a": GRANT.replace("arrest-request", "zzz")},
        ["grants.d/a.yaml:6:13 flow-unknown"],
    ),
    "grant of an unknown field": (
        {"grant_a": GRANT.replace("[person-name]", "[person-name, zzz]")},
        ["grants.d/a.yaml:7:27 field-unknown"],
    ),
    "grant of a misspelt field": (
        {"grant_a": GRANT.replace("person-name", "person-nam")},
        ["grants.d/a.yaml:7:14 name-misspelt"],
    ),
    "grant under an unknown profile": (
        {"grant_a": GRANT.replace("profile: masked", "profile: zzz")},
        ["grants.d/a.yaml:8:14 profile-unknown"],
    ),
    "grant to a misspelt role": ({"grant_a": GRANT.replace("court", "cour")}, ["grants.d/a.yaml:5:19 role-misspelt"]),
    "grant to nobody": ({"grant_a": GRANT.replace("{role: court}", "{}")}, ["grants.d/a.yaml:5:12 side-empty"]),
    "grant to two": (
        {"grant_a": GRANT.replace("{role: court}", '{role: court, unit: "990102"}')},
        ["grants.d/a.yaml:5:13 rule-double"],
    ),
    "grant that ends before it begins": (
        {"grant_a": GRANT.replace("2026-12-31", "2025-12-31")},
        ["grants.d/a.yaml:11:12 days-backwards"],
    ),
    "grant with no day": (
        {"grant_a": GRANT.replace("2026-12-31", "2026-02-30")},
        ["grants.d/a.yaml:11:12 day-malformed"],
    ),
    "grant with an odd number": (
        {"grant_a": GRANT.replace("SX-2026-001", "SX 1")},
        ["grants.d/a.yaml:2:9 number-malformed"],
    ),
    "grant twice": ({"grant_a": GRANT, "grant_b": GRANT}, ["grants.d/b.yaml:2:9 name-twice"]),
    "misspelt profile": (
        {"routes": ROUTES.replace("    rec", "    profile: {arrest-request: maskd}\n    rec", 1)},
        ["routes.d/a.yaml:5:31 name-misspelt"],
    ),
    # the scanner
    "scanner nowhere": ({"node": NODE + "malware: {}\n"}, ["gateway.yaml:6:1 scanner-place"]),
    "scanner in two places": (
        {"node": NODE + "malware: {socket: /run/x, port: 3310}\n"},
        ["gateway.yaml:6:1 scanner-place"],
    ),
    "scanner elsewhere": (
        {"node": NODE + "malware: {address: 10.0.0.9, port: 3310}\n"},
        ["gateway.yaml:6:20 scanner-far"],
    ),
    # keys
    "misspelt key": ({"node": NODE + "timming: {}\n"}, ["gateway.yaml:6:1 key-misspelt"]),
    "misspelt inner key": ({"link": LINK + "  prot: 22\n"}, ["links.d/a.yaml:5:3 key-misspelt"]),
    "key of another section": ({"node": NODE + "  port: 22\n"}, ["gateway.yaml:6:3 key-elsewhere"]),
    "key twice": ({"node": NODE + "node: {}\n"}, ["gateway.yaml:6:1 key-twice"]),
    "key is a number": (
        {"routes": ROUTES.replace('"990102":', "990102:")},
        # Where one slip makes two faults, both are said.
        ["routes.d/a.yaml:6:7 key-not-text", "routes.d/a.yaml:6:7 route-aimless"],
    ),
    "key is a list": ({"node": NODE + "? [a]\n: b\n"}, ["gateway.yaml:6:3 key-odd"]),
    "key is missing": ({"node": NODE.replace("  name: 示例区公安局\n", "")}, ["gateway.yaml:1:1 key-missing"]),
    "unknown choice": ({"link": LINK + "initiate: zzz\n"}, ["links.d/a.yaml:5:11 not-one-of"]),
    "merge key": ({"node": NODE + "<<: {}\n"}, ["gateway.yaml:6:1 key-unknown"]),
    "wide colon in a key": ({"link": LINK.replace("host: ", "host：")}, ["links.d/a.yaml:4:3 colon-wide"]),
    "wide colon in a list": (
        {"link": LINK.replace("host: 10", "host： 10").replace("sftp:\n  ", "sftp: ")},
        ["links.d/a.yaml:3:7 colon-wide"],
    ),
    "wide colon breaks the file": ({"link": LINK.replace("sftp:", "sftp：")}, ["links.d/a.yaml:4:7 colon-wide"]),
    # values
    "no value": ({"node": NODE + "timing:\n"}, ["gateway.yaml:6:1 value-missing"]),
    "unit is a number": ({"link": LINK.replace('"990102"', "990102")}, ["links.d/a.yaml:2:7 not-text"]),
    "unit with zero in front": (
        {"link": LINK.replace('"990102"', "099010"), "routes": ""},
        ["links.d/a.yaml:2:7 not-text"],
    ),
    "unit is a power of ten": (
        {"link": LINK.replace('"990102"', "99E10"), "routes": ""},
        ["links.d/a.yaml:2:7 not-text"],
    ),
    "unit in wide quotes": ({"link": LINK.replace('"990102"', "“990102”")}, ["links.d/a.yaml:2:7 quotes-wide"]),
    "no time of day": (
        {"node": NODE + 'timing: {reconcile_at: "25:00"}\n'},
        ["gateway.yaml:6:24 time-of-day-malformed"],
    ),
    "unit is malformed": (
        {"link": LINK.replace("990102", "99-01"), "routes": ""},
        ["links.d/a.yaml:2:7 unit-malformed"],
    ),
    "name is malformed": ({"link": LINK.replace("procuratorate", "检察院")}, ["links.d/a.yaml:1:7 label-malformed"]),
    "name is empty": ({"node": NODE.replace("示例区公安局", '" "')}, ["gateway.yaml:3:9 title-malformed"]),
    "one text wanted": ({"node": NODE.replace("示例区公安局", "[a]")}, ["gateway.yaml:3:9 not-one-text"]),
    "number in quotes": ({"link": LINK + '  port: "22"\n'}, ["links.d/a.yaml:5:9 not-number"]),
    "truth for a number": ({"link": LINK + "  port: true\n"}, ["links.d/a.yaml:5:9 not-number"]),
    "yes for true": ({"link": LINK + "enabled: yes\n"}, ["links.d/a.yaml:5:10 not-boolean"]),
    "list wanted": ({"routes": ROUTES + '    senders: "990102"\n'}, ["routes.d/a.yaml:11:14 not-a-list"]),
    "list is empty": ({"routes": ROUTES + "    senders: []\n"}, ["routes.d/a.yaml:11:14 too-short"]),
    "receivers are a list": (
        {"routes": ROUTES.replace('\n      "990102": "990102"', " [a]")},
        ["routes.d/a.yaml:5:16 not-a-section"],
    ),
    "misspelt choice": ({"link": LINK + "initiate: bth\n"}, ["links.d/a.yaml:5:11 choice-misspelt"]),
    "out of range": ({"link": LINK + "  port: 65536\n"}, ["links.d/a.yaml:5:9 out-of-range"]),
    "duration out of range": (
        {"node": NODE + "timing: {scan_every: 2d}\n"},
        ["gateway.yaml:6:22 out-of-range"],
    ),
    "bare number for a duration": (
        {"node": NODE + "timing: {scan_every: 10}\n"},
        ["gateway.yaml:6:22 duration-malformed"],
    ),
    "decimal size": ({"node": NODE + "limits: {bundle: 5GB}\n"}, ["gateway.yaml:6:18 size-malformed"]),
    "home path": ({"node": NODE.replace("../state", "~/state")}, ["gateway.yaml:5:10 path-malformed"]),
    "path is a number": ({"node": NODE.replace("../state", "7")}, ["gateway.yaml:5:10 not-text"]),
    "host is malformed": ({"link": LINK.replace("10.0.0.2", "10.0.0.256")}, ["links.d/a.yaml:4:9 host-malformed"]),
    "listen is a name": ({"node": NODE + "server: {listen: localhost}\n"}, ["gateway.yaml:6:18 listen-malformed"]),
    "zone is nowhere": (
        {"node": NODE.replace("paths:", "  zone: Asia/Nowhere\npaths:")},
        ["gateway.yaml:4:9 zone-unknown"],
    ),
    "alert to no web address": (
        {"node": NODE + ALERTS + "      webhook: {url: 'ftp://h/x', secret_file: s}\n"},
        ["gateway.yaml:9:22 web-malformed"],
    ),
    "alert from no mail address": (
        {"node": NODE + ALERTS + "      mail: {host: h, sender: x, to: [a@b]}\n"},
        ["gateway.yaml:9:31 mail-malformed"],
    ),
    "alert to nowhere": ({"node": NODE + ALERTS}, ["gateway.yaml:8:7 sink-aim"]),
    "two sinks of one name": (
        {"node": NODE + ALERTS + "      file: {path: a}\n    - name: duty\n      file: {path: b}\n"},
        ["gateway.yaml:7:3 sink-twice"],
    ),
    "ledger elsewhere": (
        {"node": NODE + "ledger: {url: 'postgresql://u:p@h/x'}\n"},
        ["gateway.yaml:6:15 url-malformed"],
    ),
    "user is malformed": ({"link": LINK + "  user: ../x\n"}, ["links.d/a.yaml:5:9 word-malformed"]),
    "receiver code too long": (
        {"routes": ROUTES.replace('"990102":', f'"{"x" * 65}":')},
        ["routes.d/a.yaml:6:7 too-long"],
    ),
    "a link that carries nothing": ({"link": LINK + "priorities: []\n"}, ["links.d/a.yaml:5:13 too-short"]),
    # rules
    "no receiver at all": (
        {"routes": ROUTES.replace('    receivers:\n      "990102": "990102"\n', "")},
        ["routes.d/a.yaml:2:5 route-aimless"],
    ),
    "roster for one code": (
        {"routes": ROUTES.replace('": "990102"', '": roster')},
        ["routes.d/a.yaml:6:17 roster-misplaced"],
    ),
    "a rule that finds nobody": (ruled("flows: [arrest-request]"), ["routes.d/a.yaml:8:9 rule-empty"]),
    "a rule with unit and role": (
        ruled('unit: "990102", role: court'),
        ["routes.d/a.yaml:8:26 rule-double"],
    ),
    "a region beside a unit": (ruled('unit: "990102", region: own'), ["routes.d/a.yaml:8:26 region-idle"]),
    "an odd region": (ruled("role: court, region: '331'"), ["routes.d/a.yaml:8:31 region-malformed"]),
    "a misspelt role": (ruled("role: procurate"), ["routes.d/a.yaml:8:16 role-misspelt"]),
    "an unknown role": (ruled("role: fire-brigade"), ["routes.d/a.yaml:8:16 role-unknown"]),
    "a misspelt flow of a rule": (
        ruled("flows: [arrest-requst], role: court"),
        ["routes.d/a.yaml:8:18 flow-misspelt"],
    ),
    "a flow that never leaves here": (
        {
            "routes": str(ruled("flows: [custody-transfer], role: court")["routes"]).replace(
                "packer: police\n    rec", "packer: police\n    flows: [arrest-request]\n    rec"
            )
        },
        ["routes.d/a.yaml:9:18 rule-flow-idle"],
    ),
    "a rule that is never asked": (
        ruled('unit: "990102"', "flows: [arrest-request], role: court"),
        ["routes.d/a.yaml:9:9 rule-idle"],
    ),
    "one unit copied twice": (
        ruled('unit: "990102"', '{flows: [arrest-request], unit: "990102"'[1:], 'unit: "990102"', cc=True),
        ["routes.d/a.yaml:10:16 cc-twice"],
    ),
    "a rule for a stranger": (ruled('unit: "990777"'), ["routes.d/a.yaml:8:16 unit-unlinked"]),
    # between keys
    "sftp without a section": ({"link": LINK.split("sftp")[0]}, ["links.d/a.yaml:1:1 section-wanted"]),
    "folder without a section": (
        {"link": LINK.split("sftp")[0] + "transport: folder\n"},
        ["links.d/a.yaml:3:1 section-wanted"],
    ),
    "a section too many": (
        {"link": LINK + "folder: {deposit: /a, collect: /b}\n"},
        ["links.d/a.yaml:5:1 section-idle"],
    ),
    "sftp though nobody calls": ({"link": LINK + "initiate: none\n"}, ["links.d/a.yaml:3:1 section-idle"]),
    "folder link that calls": (
        {"link": LINK.split("sftp")[0] + "transport: folder\ninitiate: push\nfolder: {deposit: /a, collect: /b}\n"},
        ["links.d/a.yaml:4:11 initiate-folder"],
    ),
    "retries in the wrong order": (
        {"node": NODE + "timing:\n  retry_first: 1h\n  retry_most: 1m\n"},
        ["gateway.yaml:8:15 order-wrong"],
    ),
    "quota below a bundle": ({"node": NODE + "server: {quota: 1 GiB}\n"}, ["gateway.yaml:6:17 order-wrong"]),
    "skew in the wrong order": (
        {"node": NODE + "timing: {clock_skew_hold: 1m, clock_skew_warn: 2m}\n"},
        ["gateway.yaml:6:27 order-wrong"],
    ),
    # between files
    "link name twice": (
        {"link_b": COURT.replace("name: court", "name: procuratorate")},
        ["links.d/b.yaml:1:7 name-twice"],
    ),
    "peer twice": ({"link_b": COURT.replace("990103", "990102")}, ["links.d/b.yaml:2:7 peer-twice"]),
    "link to ourselves": (
        {"link_b": COURT.replace("990103", "990102000000")},
        ["links.d/b.yaml:2:7 unit-own"],
    ),
    "route name twice": (
        {"routes": ROUTES.replace("name: imports", "name: exports")},
        ["routes.d/a.yaml:8:11 name-twice"],
    ),
    "receiver without a link": (
        {"routes": ROUTES.replace(': "990102"', ': "990120"')},
        ["routes.d/a.yaml:6:17 unit-misspelt"],
    ),
    "receiver is ourselves": (
        {"routes": ROUTES.replace(': "990102"', ': "990102000000"')},
        ["routes.d/a.yaml:6:17 unit-own"],
    ),
    "sender without a link": (
        {"routes": ROUTES + '    senders: ["770000"]\n'},
        ["routes.d/a.yaml:11:15 unit-unlinked"],
    ),
    "unknown packer": ({"routes": ROUTES.replace("police", "polcie", 1)}, ["routes.d/a.yaml:4:13 packer-misspelt"]),
    "unknown flow": ({"routes": ROUTES + "    flows: [arest-request]\n"}, ["routes.d/a.yaml:11:13 flow-misspelt"]),
    "packer like no other": ({"routes": ROUTES.replace("police", "zzz", 1)}, ["routes.d/a.yaml:4:13 packer-unknown"]),
    "flow like no other": ({"routes": ROUTES + "    flows: [zzz]\n"}, ["routes.d/a.yaml:11:13 flow-unknown"]),
    "two routes watch one folder": (
        {"routes": ROUTES.replace("../in\n", "../out\n")},
        ["routes.d/a.yaml:9:13 folder-twice"],
    ),
    "folders nest": ({"routes": ROUTES.replace("../in\n", "../out/in\n")}, ["routes.d/a.yaml:9:13 folder-nested"]),
    "outbound inside the spool": (
        {"routes": ROUTES.replace("../out", "../state/spool/out")},
        ["routes.d/a.yaml:3:13 folder-nested"],
    ),
    "spool inside outbound": (
        {"node": NODE + "  spool: ../out/spool\n"},
        ["gateway.yaml:6:10 folder-nested"],
    ),
    "outbound holds the state": (
        {"routes": ROUTES.replace("../out", "../state")},
        ["routes.d/a.yaml:3:13 folder-holds"],
    ),
    "outbound holds the configuration": (
        {"routes": ROUTES.replace("../out", ".")},
        ["routes.d/a.yaml:3:13 folder-holds"],
    ),
    "keys in the spool": ({"node": NODE + "  keys: ../state/spool\n"}, ["gateway.yaml:6:9 folder-twice"]),
    "ferry folder is an outbound folder": (
        {
            "link": LINK.split("sftp")[0] + "transport: folder\nfolder: {deposit: /a, collect: ../out}\n",
        },
        ["links.d/a.yaml:4:32 folder-twice"],
    ),
    "two routes take the same": (
        {"routes": ROUTES + "  - {name: b, folder: ../b, packer: folder}\n"},
        ["routes.d/a.yaml:11:5 route-ambiguous"],
    ),
    "same sender twice": (
        {
            "routes": ROUTES + '    senders: ["990102"]\n'
            '  - {name: b, folder: ../b, packer: folder, senders: ["990102"], flows: ["*"]}\n'
        },
        ["routes.d/a.yaml:12:5 route-ambiguous"],
    ),
    "hosting without a server": (
        {"node": NODE + "server: {enabled: false}\n", "link": LINK + "initiate: push\n"},
        ["links.d/a.yaml:5:11 server-needed"],
    ),
    "the peer is our own server": (
        {"node": NODE + "server: {listen: 10.0.0.2}\n"},
        ["links.d/a.yaml:4:9 server-itself"],
    ),
    "mailboxes for sshd inside our own folder": (
        {"node": NODE + "server: {mode: openssh}\n"},
        ["gateway.yaml:6:16 mailboxes-inside"],
    ),
    # boundaries
    "gap on sftp": ({"link": LINK + "gap: {}\n"}, ["links.d/a.yaml:5:1 section-idle"]),
    "a folder link without folders": ({"link": FERRY + "  sentinel: here\n"}, ["links.d/a.yaml:4:1 folder-aimless"]),
    "receipts where nothing comes back": (
        {"link": FERRY + "  deposit: ../ferry\n"},
        ["links.d/a.yaml:4:1 receipts-impossible"],
    ),
    "exports for a peer that is only heard": (
        {"link": FERRY + "  collect: ../ferry\n"},
        ["routes.d/a.yaml:6:17 link-one-way"],
    ),
    "an order without receipts": (
        {
            "link": FERRY + "  deposit: ../ferry\nreceipts: never\n",
            "routes": ROUTES.replace("packer: police\n", "packer: police\n    order: case\n", 1),
        },
        ["routes.d/a.yaml:7:17 order-unconfirmed"],
    ),
    "names too short for their ending": (
        {"link": BOTH_WAYS + "gap:\n  longest: 12\n  ending: .dossier\n"},
        ["links.d/a.yaml:8:12 names-short"],
    ),
    "an ending without a dot": (
        {"link": BOTH_WAYS + "gap:\n  ending: dat\n"},
        ["links.d/a.yaml:8:11 ending-malformed"],
    ),
    "hours": (
        {"link": LINK + "bandwidth:\n  - {begin: '8:00', end: '9:00', rate: 1 KiB}\n"},
        [
            "links.d/a.yaml:6:13 time-malformed",
            "links.d/a.yaml:6:26 time-malformed",
            "links.d/a.yaml:6:40 out-of-range",
        ],
    ),
    "hours that are empty, or meet": (
        {
            "link": LINK + "bandwidth:\n  - {begin: '22:00', end: '06:00', rate: 1 MiB}\n"
            "  - {begin: '08:00', end: '08:00', rate: 1 MiB}\n  - {begin: '05:59', end: '08:00', rate: 1 MiB}\n"
        },
        ["links.d/a.yaml:7:5 hours-empty", "links.d/a.yaml:8:5 hours-overlap"],
    ),
    "windows": (
        {
            "link": LINK
            + "windows:\n"
            + "".join(f'  - {{opens: "{cron}", lasts: 1h}}\n' for cron in CRONS)
            + "  - {opens: '0 0 * * *'}\n  - {opens: '0 0 * * *', lasts: 8d}\n"
        },
        [f"links.d/a.yaml:{line}:13 cron-malformed" for line in range(6, 6 + len(CRONS))]
        + [
            f"links.d/a.yaml:{6 + len(CRONS)}:5 key-missing",
            f"links.d/a.yaml:{7 + len(CRONS)}:33 out-of-range",
        ],
    ),
    "what a link carries": (
        {"link": LINK + "priorities: [urgent]\nmax_parallel: 99\nreceipts: maybe\nrepeat: {times: 0}\n"},
        [
            "links.d/a.yaml:5:14 not-one-of",
            "links.d/a.yaml:6:15 out-of-range",
            "links.d/a.yaml:7:11 not-one-of",
            "links.d/a.yaml:8:17 out-of-range",
        ],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said_at_its_place(tmp_path: Path, fault: str) -> None:
    files, expected = FAULTS[fault]
    assert codes(config(tmp_path, **files)) == expected  # type: ignore[arg-type] # only gateway.yaml may be bytes
    assert "{" not in told(tmp_path / "config").replace("{a", "")


def no_file(folder: Path) -> None:
    (folder / "gateway.yaml").unlink()


def folder_in_its_place(folder: Path) -> None:
    (folder / "gateway.yaml").unlink()
    (folder / "gateway.yaml").mkdir()


def old_ending(folder: Path) -> None:
    (folder / "links.d" / "b.yml").write_text(COURT)


def notepad_ending(folder: Path) -> None:
    (folder / "links.d" / "b.yaml.txt").write_text(COURT)


def file_for_a_folder(folder: Path) -> None:
    (folder / "links.d" / "a.yaml").unlink()
    (folder / "links.d").rmdir()
    (folder / "links.d").write_text("")
    (folder / "routes.d" / "a.yaml").unlink()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (no_file, "gateway.yaml:1:1 file-missing"),
        (folder_in_its_place, "gateway.yaml:1:1 file-unreadable"),
        (old_ending, "links.d/b.yml:1:1 file-ending"),
        (notepad_ending, "links.d/b.yaml.txt:1:1 file-ending"),
        (file_for_a_folder, "links.d:1:1 file-unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, change: Callable[[Path], None], expected: str) -> None:
    folder = config(tmp_path)
    change(folder)
    assert codes(folder) == [expected]


def test_too_many_files_are_said_and_not_all_read(tmp_path: Path) -> None:
    folder = config(tmp_path, routes="")
    for number in range(4097):
        (folder / "routes.d" / f"{number:04}.yaml").touch()
    found = codes(folder)
    assert found[0] == "routes.d:1:1 files-too-many"
    assert len(found) == 1 + 4096


def test_every_kind_of_complaint_is_provoked_here() -> None:
    provoked = {line.split()[1] for _, expected in FAULTS.values() for line in expected}
    elsewhere = {"file-missing", "file-unreadable", "file-ending", "files-too-many"}
    # What says a refusal by pydantic that no other code foresees.
    last_resort = {"value-refused"}
    # Those of the exchange standard are provoked in test_standard.py.
    assert (provoked - set(OF_STANDARD)) | elsewhere | last_resort == set(TEMPLATES) - set(OF_STANDARD)


def test_all_faults_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    folder = config(
        tmp_path,
        NODE + "log: {levl: info, keep: 0}\n",
        LINK.replace("10.0.0.2", "a b") + "  port: x\n",
        ROUTES.replace("police", "polcie") + '    senders: ["770000"]\n',
    )
    assert codes(folder) == [
        "gateway.yaml:6:7 key-misspelt",
        "gateway.yaml:6:25 out-of-range",
        "links.d/a.yaml:4:9 host-malformed",
        "links.d/a.yaml:5:9 not-number",
        "routes.d/a.yaml:4:13 packer-misspelt",
        "routes.d/a.yaml:10:13 packer-misspelt",
        "routes.d/a.yaml:11:15 unit-unlinked",
    ]


def test_one_faulty_route_does_not_hide_the_faults_of_its_neighbours(tmp_path: Path) -> None:
    routes = ROUTES.replace("name: exports", "nmae: exports").replace("../in\n", "../state/keys\n")
    assert codes(config(tmp_path, routes=routes)) == [
        "routes.d/a.yaml:2:5 key-missing",
        "routes.d/a.yaml:2:5 key-misspelt",
        "routes.d/a.yaml:9:13 folder-twice",
    ]


def test_routes_are_not_blamed_for_the_faults_of_a_link(tmp_path: Path) -> None:
    for number, link in enumerate((LINK.replace("host", "hots"), "name: [", LINK.replace('"990102"', "“990102”"))):
        found = codes(config(tmp_path / str(number), link=link))
        assert found
        assert not any("routes.d" in line for line in found)


def test_symbolic_links_do_not_hide_that_folders_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "in").symlink_to(tmp_path / "out")
    assert codes(config(tmp_path)) == ["routes.d/a.yaml:9:13 folder-twice"]


def test_inbound_routes_of_one_packer_may_share_a_folder(tmp_path: Path) -> None:
    more = "  - {name: b, folder: ../in, packer: PACKER, flows: [arrest-request]}\n"
    assert codes(config(tmp_path / "same", routes=ROUTES + more.replace("PACKER", "police"))) == []
    assert codes(config(tmp_path / "other", routes=ROUTES + more.replace("PACKER", "folder"))) == [
        "routes.d/a.yaml:11:23 folder-twice"
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"node": NODE + "timming: {}\n"}, ['"timming"', 'did you mean "timing"?']),
        ({"node": NODE + "  Spool: x\n"}, ['did you mean "spool"?']),
        ({"node": NODE + "timing: {scan-every: 2s}\n"}, ['did you mean "scan_every"?']),
        ({"node": NODE + "zzz: 1\n"}, ["node, paths, server, timing"]),
        ({"node": NODE + "  port: 22\n"}, ['"port"', 'below "server"']),
        ({"link": LINK + "initiate: bth\n"}, ["push, pull, both, none", 'did you mean "both"?']),
        ({"link": LINK.replace('"990102"', "990102")}, ['write it in quotes: "990102"']),
        ({"link": LINK.replace('"990102"', "099010")}, ['write it in quotes: "099010"']),
        ({"routes": ROUTES.replace(': "990102"', ': "990120"')}, ['did you mean "990102"?']),
        ({"routes": ROUTES.replace(': "990102"', ': "AAAA"')}, ["describe the link to it in links.d"]),
        ({"routes": ROUTES.replace("police", "polcie", 1)}, ['did you mean "police"?']),
        ({"routes": ROUTES.replace("police", "zzz", 1)}, ["one of: folder, police"]),
        ({"node": NODE + "timing: {scan_every: 10}\n"}, ['such as "10s"']),
        ({"node": NODE + "limits: {bundle: 5GB}\n"}, ['such as "5 GiB"']),
        ({"link": LINK + "  port: 65536\n"}, ["65536 is outside 1 to 65535"]),
        ({"node": NODE + "timing: {scan_every: 2d}\n"}, ["2d is outside 50ms to 1h"]),
        ({"node": NODE + "node: {}\n"}, ["already given in line 1"]),
        ({"node": NODE.replace("  name: 示例区公安局\n", "")}, ['"name" is missing']),
        ({"link_b": COURT.replace("990103", "990102")}, ["links.d/a.yaml:2:7"]),
        ({"node": NODE.encode("gbk")}, ["UTF-8 (not GBK"]),
    ],
)
def test_a_complaint_says_what_to_do(tmp_path: Path, files: dict[str, str], words: list[str]) -> None:
    text = told(config(tmp_path, **files))
    for word in words:
        assert word in text


def test_a_complaint_repeats_only_a_little_of_what_it_read(tmp_path: Path) -> None:
    text = told(config(tmp_path, link=LINK + f"initiate: {'x' * 5000}\n"))
    assert "x" * 50 in text
    assert len(text) < 400


def test_loading_raises_all_complaints_as_one_error(tmp_path: Path) -> None:
    folder = config(tmp_path, NODE + "timming: {}\n", LINK + "  prot: 22\n")
    with pytest.raises(ConfigError) as caught:
        load(folder)
    error = caught.value
    assert isinstance(error, SettingsError)
    assert (error.code, error.scope, error.facts) == ("settings-refused", Scope.NODE, {"count": 2})
    assert error.detail.splitlines() == [str(one) for one in error.complaints]
    assert error.detail.startswith(f"{folder}/gateway.yaml:6:1: ")
    assert [one.place for one in error.complaints] == [f"{folder}/gateway.yaml:6:1", f"{folder}/links.d/a.yaml:5:3"]
    again: GatewayError = pickle.loads(pickle.dumps(error))
    assert isinstance(again, SettingsError)
    assert (again.detail, again.complaints) == (error.detail, error.complaints)


def test_names_are_found_whatever_their_case_and_dashes() -> None:
    assert nearest("Scan-Every", ["scan_every", "poll_every"]) == "scan_every"
    assert nearest("ARREST_REQUEST", ["arrest-request"]) == "arrest-request"
    assert nearest("qqqq", ["scan_every"]) is None


def test_complaints_come_in_the_order_of_the_lines() -> None:
    places = [("b", 1, 1), ("a", 10, 1), ("a", 9, 2), ("a", 9, 1)]
    found = sorted(Complaint(*place, "file-empty") for place in places)
    assert [(one.file, one.line, one.column) for one in found] == sorted(places)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert codes(config(tmp_path, "\n".join(lines))) == ["gateway.yaml:1:5 yaml-anchor"]

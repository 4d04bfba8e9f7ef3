"""Configuration folders for tests: a sound one, and changes to it."""

from pathlib import Path

NODE = """\
node:
  unit: "990102000000"
  name: 示例区公安局
paths:
  state: ../state
"""
LINK = """\
name: procuratorate
peer: "990102"
sftp:
  host: 10.0.0.2
"""
ROUTES = """\
outbound:
  - name: exports
    folder: ../out
    packer: police
    receivers:
      "990102": "990102"
inbound:
  - name: imports
    folder: ../in
    packer: police
"""


GRANT = """\
grants:
  - id: SX-2026-001
    catalogue: DQ-0031
    giver: {unit: "990102000000"}
    taker: {role: court}
    flows: [arrest-request]
    fields: [person-name]
    profile: masked
    purpose: 年度统计
    since: 2026-01-01
    until: 2026-12-31
    approved_by: 省委政法委
"""


def config(root: Path, node: str | bytes = NODE, link: str = LINK, routes: str = ROUTES, **others: str) -> Path:
    """Write a configuration folder below `root` and return it; `others` are files of links.d (`link_x`), routes.d
    or grants.d.
    """
    folder = root / "config"
    (folder / "links.d").mkdir(parents=True)
    (folder / "routes.d").mkdir()
    (folder / "gateway.yaml").write_bytes(node if isinstance(node, bytes) else node.encode())
    for path, text in (("links.d/a.yaml", link), ("routes.d/a.yaml", routes)):
        if text:
            (folder / path).write_text(text, encoding="utf-8")
    for name, text in others.items():
        kind, _, rest = name.partition("_")
        (folder / f"{kind}s.d").mkdir(exist_ok=True)
        (folder / f"{kind}s.d" / f"{rest}.yaml").write_text(text, encoding="utf-8")
    return folder

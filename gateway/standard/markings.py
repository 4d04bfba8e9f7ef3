"""What the names of volumes, folders and titles give away: internal volumes, marks of secrecy, protected witnesses."""

import re
from typing import Final

_INTERNAL: Final = re.compile("侦查卷|侦查工作卷|检察内卷|副卷|合议|审委会")
_SECRET: Final = re.compile(
    "^(?:秘密|机密|绝密)(?:级|卷|件|材料|文件|$)|[秘机绝]密★|[（(【〔\\[](?:秘密|机密|绝密)[）)】〕\\]]"
)
"""A mark of secrecy (保密法实施条例 14: 密级★期限) or a title that begins with it; 商业秘密 and the names of offences
such as 非法获取国家秘密罪 are none."""
_WITNESS: Final = re.compile("化名说明|保护证人|证人保护|证人真实身份|密级卷")
_ALIAS: Final = re.compile("化名")
_TECHNICAL: Final = re.compile("技术侦查|技侦")


def is_internal(title: str) -> bool:
    """Whether a volume or folder of this name never leaves its agency (D48)."""
    return _INTERNAL.search(title) is not None


def is_internal_path(path: str) -> bool:
    """Whether a file lies in such a folder."""
    return any(is_internal(one) for one in folders(path))


def is_marked(title: str) -> bool:
    """Whether a title or folder is marked as a state secret (D47)."""
    return _SECRET.search(title) is not None


def is_of_witness(title: str, *, is_folder: bool) -> bool:
    """Whether a title tells of a protected witness (D83): of aliases only folders do, no indictment that uses one."""
    return _WITNESS.search(title) is not None or (is_folder and _ALIAS.search(title) is not None)


def is_technical(title: str) -> bool:
    """Whether a title speaks of technical investigation."""
    return _TECHNICAL.search(title) is not None


def folders(path: str) -> list[str]:
    """Return the names of the folders in which a file lies."""
    return path.split("/")[:-1]

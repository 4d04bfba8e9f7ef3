"""The commands that try the product out on this machine, as typer sees them: demo, simulate."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Json, speaking

SAMPLES = Path(__file__).parents[2] / "samples"
"""Where the samples lie in a source tree."""


class Durability(StrEnum):
    """Whether a simulation waits for its disk."""

    FULL = "full"
    NONE = "none"


def demo(
    *,
    small: Annotated[
        bool, typer.Option("--small", help="Two nodes only, with every sample and every defect 仅两个节点.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep everything in this new folder 保留现场.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="Start the province kept in this folder again, until Ctrl-C 再次启动.")
    ] = None,
    samples: Annotated[Path | None, typer.Option(help="Folder of sample exports 样例目录.")] = None,
    json: Json = False,
) -> None:
    """Play a province on this machine: seven nodes, links of every kind, real exports and receipts 演示."""
    from gateway.cli.demo import demo as run_small
    from gateway.cli.demo_run import demo as run_province
    from gateway.cli.demo_run import run_kept

    with speaking(as_json=json) as terminal:
        if run is not None:
            code = run_kept(terminal, run)
        else:
            code = (run_small if small else run_province)(terminal, samples or SAMPLES, keep)
    sys.exit(code)


def simulate(
    *,
    units: Annotated[int, typer.Option(min=8, max=5000, help="Units beside the hubs 单位数.")] = 500,
    exchanges: Annotated[int, typer.Option(min=1, help="Exports to be dropped 交换件次.")] = 170_593,
    faults: Annotated[
        bool, typer.Option("--faults", help="Lose, double, cut and delay files, fill disks, kill processes 注入故障.")
    ] = False,
    kills: Annotated[int, typer.Option(min=0, help="With --faults: processes that are killed 强杀进程次数.")] = 3,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that host the nodes; default: one a core 进程数.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same exchanges and faults 随机种子.")] = 1,
    scale: Annotated[
        float, typer.Option(min=1e-6, max=1.0, help="Sizes above 4 KiB are multiplied by this 文件大小缩放系数.")
    ] = 1e-4,
    window: Annotated[int, typer.Option(min=1, help="Exchanges that a process keeps under way 并发窗口.")] = 64,
    day: Annotated[
        float, typer.Option(min=0.0, help="Seconds that a day of the two years takes; 0: as fast as it goes 每天秒数.")
    ] = 0.0,
    sftp: Annotated[int, typer.Option(min=0, help="Links that go over real SFTP servers 走 SFTP 的链路数.")] = 0,
    durability: Annotated[
        Durability, typer.Option(help="none: do not wait for the disk, for comparison only 是否落盘.")
    ] = Durability.FULL,
    keep: Annotated[Path | None, typer.Option(help="Keep everything in this new folder 保留现场.")] = None,
    json: Json = False,
) -> None:
    """Replay a province's two years on this machine, and prove that nothing was lost or doubled 全省模拟."""
    from gateway.cli.simulate import Asked
    from gateway.cli.simulate import simulate as run

    asked = Asked(
        units,
        exchanges,
        faults,
        kills if faults else 0,
        processes or os.cpu_count() or 1,
        seed,
        scale,
        window,
        day,
        sftp,
        durability is Durability.FULL,
    )
    with speaking(as_json=json) as terminal:
        code = run(terminal, asked, keep)
    sys.exit(code)

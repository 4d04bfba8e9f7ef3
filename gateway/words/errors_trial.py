"""What is said when a simulation or a demonstration cannot be carried through."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "simulation-stalled": Template(
            "The simulation no longer moves: {dropped} of {total} exports were dropped, {home} receipts are home.",
            "For minutes no export was dropped and no receipt came; a node holds something, or the machine is overloaded.",
            "Run it again with --keep and look into log/ of that folder, or at one of its nodes with `caseferry status`.",
        ),
        "simulation-died": Template(
            "A process of the simulation ended by itself.",
            "That is a bug, or the system ended it for want of memory.",
            "Look into the system's log for a killed process; run it again with fewer --units or --processes.",
        ),
        "demo-not-kept": Template(
            "No province was kept in {folder}.",
            "Only a folder that `caseferry demo --keep` filled can be started again.",
            "Make one first: caseferry demo --keep {folder} does that.",
        ),
        "simulation-no-room": Template(
            "The disk has too little room for this simulation: {needed} bytes are needed, {free} are free.",
            "Every node keeps its originals, bundles and deliveries until the end, for the proof.",
            "Make room, name another folder with --keep, or simulate fewer --exchanges or a smaller --scale.",
        ),
    }
)

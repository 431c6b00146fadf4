"""The figures that run.sh reports, each with its bar."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """Workload of a program in an environment; the name is one listed by `PROGRAM --benchmark_list_tests`."""

    program: str
    name: str
    threads: int = 1
    environment: tuple = ()  # (variable, value) pairs; None removes the variable

    def __str__(self):
        return self.name + (f"@{self.threads}" if self.threads != 1 else "") + \
            "".join(f" {variable}={value}" for variable, value in self.environment)


@dataclass(frozen=True)
class Figure:
    """One line of the report: the measurement, its peer and the bar.

    The ratio is ours / other for an upper bar ("<=1.1"), read as "times as long", and other / ours for a lower bar
    (">=8"), read as "times as fast". A figure whose bar has no number is only quoted. Without `other`, the bar is in
    `unit`.
    """

    name: str
    ours: Series
    other: Series | None = None
    bar: str = "<="
    unit: str = "us"  # of `ours`: us per step or ns per item
    quantity: str = "time"  # or memory, allocations
    note: str = ""
    extra: dict = field(default_factory=dict, compare=False)


def ours(name, **options):
    return Series("ours", name, **options)


def hand(name, **options):
    return Series("hand", name, **options)


# Settings of glibc's allocator tuned for large buffers.
tuned = (("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "100000000000"), ("MALLOC_TOP_PAD_", "1000000000"))
unpinned = (("OPENBLAS_CORETYPE", None),)


def torch(name, environment=()):
    return Series("torch", name, environment=environment)


def mlp():
    batches = (1, 32, 128, 1024, 10000)
    program_bars = (8, 3.2, 2.2, 2.0, 1.8)
    eager_bars = (4, 2.6, 2, 1.8, 1.7)
    for batch in batches:
        model = f"mlp-{batch}"
        yield Figure(f"{model}/program:hand", ours(f"{model}/program"), hand(f"{model}/hand"), "<=1.10")
    for variant, bars in (("program", program_bars), ("eager", eager_bars)):
        for batch, bar in zip(batches, bars):
            model = f"mlp-{batch}"
            yield Figure(f"{model}/{variant}:torch", ours(f"{model}/{variant}"), torch(f"{model}/torch"), f">={bar}")
            yield Figure(f"{model}/{variant}:torch-unpinned", ours(f"{model}/{variant}"),
                         torch(f"{model}/torch", unpinned), ">=")
    for batch in batches:
        model = f"mlp-{batch}"
        yield Figure(f"{model}/eager:hand", ours(f"{model}/eager"), hand(f"{model}/hand"))
        yield Figure(f"{model}/hand:products", hand(f"{model}/hand"), hand(f"products-{batch}/hand"),
                     note="the two products alone")
        yield Figure(f"{model}/hand:torch", hand(f"{model}/hand"), torch(f"{model}/torch"), ">=")


def threads():
    """Two threads against one, in wall-clock time."""
    yield Figure("mlp-1024/hand@2:1", hand("mlp-1024/hand", threads=2), hand("mlp-1024/hand"), ">=", note="by the clock")
    for variant in ("program", "eager"):
        for batch in (1, 32, 1024, 10000):
            name = f"mlp-{batch}/{variant}"
            yield Figure(f"{name}@2:1", ours(name, threads=2), ours(name), ">=1.7" if batch >= 1024 else ">=0.95",
                         note="by the clock")


def inference():
    """train::Predictor: latency of one sample, throughput of a batch, and two threads against two processes."""
    for batch, bar in ((1, ">=5"), (256, ">=")):
        model = f"inference-{batch}"
        yield Figure(f"{model}/predictor:torch", ours(f"{model}/predictor"), torch(f"{model}/torch"), bar)
        yield Figure(f"{model}/predictor:products", ours(f"{model}/predictor"),
                     hand(f"inference-products-{batch}/hand"), ">=0.95" if batch > 1 else ">=",
                     note="the two products alone")
        yield Figure(f"{model}/threads:processes", ours(f"{model}/threads"), ours(f"{model}/processes"),
                     ">=0.93", note="two of each at once, by the clock")


def chain():
    for work, eager, program in (("forward", 35, 9), ("gradient", 70, 12)):
        yield Figure(f"chain/{work}-eager", ours(f"chain/{work}-eager"), None, f"<={eager}", "ns")
        yield Figure(f"chain/{work}-cold", ours(f"chain/{work}-cold"), None, "<=", "ns", note="a new tape each time")
        yield Figure(f"chain/{work}-program", ours(f"chain/{work}-program"), None, f"<={program}", "ns")
        yield Figure(f"chain/{work}-eager:torch", ours(f"chain/{work}-eager"), torch(f"chain/{work}-torch"), ">=", "ns")


def lstm():
    for layers in (2, 4):
        model = f"lstm-{layers}"
        yield Figure(f"{model}/gradient-program", ours(f"{model}/gradient-program"), None, "<=150", "ns")
        yield Figure(f"{model}/gradient:objective", ours(f"{model}/gradient-program"),
                     ours(f"{model}/objective-program"), "<=4", "ns")
        yield Figure(f"{model}/gradient-eager", ours(f"{model}/gradient-eager"), None, "<=", "ns")
        yield Figure(f"{model}/gradient:objective-eager", ours(f"{model}/gradient-eager"),
                     ours(f"{model}/objective-eager"), "<=", "ns")
        yield Figure(f"{model}/gradient-eager:torch", ours(f"{model}/gradient-eager"),
                     torch(f"{model}/gradient-torch"), ">=", "ns")


def models(has):
    """Models run eagerly and as Programs; the bar applies to the Program if the model has one."""
    for model, bar in (("gmm-10", 1.3), ("gmm-32", 1.3)):
        for variant in ("program", "eager"):
            held = variant == "program" or not has(f"{model}/gradient-program")
            gradient, objective = ours(f"{model}/gradient-{variant}"), ours(f"{model}/objective-{variant}")
            yield Figure(f"{model}/{variant}-gradient:objective", gradient, objective, "<=3" if held else "<=")
            yield Figure(f"{model}/{variant}:torch", gradient, torch(f"{model}/gradient-torch", tuned),
                         f">={bar}" if held else ">=", note="libtorch's allocator tuned")
    for model, bar in (("cnn", 1.3), ("transformer", 1.5)):
        for variant in ("program", "eager"):
            held = variant == "program" or not has(f"{model}/program")
            yield Figure(f"{model}/{variant}:torch", ours(f"{model}/{variant}"), torch(f"{model}/torch"),
                         f">={bar}" if held else ">=")


def elementwise():
    yield Figure("elementwise/program:copy", ours("elementwise/program"), hand("copy/hand"), ">=0.8")
    yield Figure("elementwise/program:hand", ours("elementwise/program"), hand("elementwise/hand"), ">=")
    yield Figure("elementwise/eager:copy", ours("elementwise/eager"), hand("copy/hand"), ">=")
    yield Figure("elementwise/hand:copy", hand("elementwise/hand"), hand("copy/hand"), ">=")


def sequences():
    """What batches of similar lengths save against padding to the longest sequence of all."""
    yield Figure("sequences/bucketed:padded", ours("sequences/bucketed"), ours("sequences/padded"), ">=1.5")


def scaling():
    small_stack = {"stack_kb": 256}
    fresh = (("MALLOC_MMAP_THRESHOLD_", "131072"),)  # fixed at glibc's initial value: large blocks always get new pages
    yield Figure("nodes/1e6:1e5", ours("nodes-1e6/eager"), ours("nodes-1e5/eager"), "<=12", note="stack of 256 kB",
                 extra=small_stack)
    yield Figure("nodes/1e6:1e5-fresh", ours("nodes-1e6/eager", environment=fresh),
                 ours("nodes-1e5/eager", environment=fresh), "<=", note="both in pages new to the process",
                 extra=small_stack)
    yield Figure("doubling/1000:100", ours("doubling-1000/eager"), ours("doubling-100/eager"), "<=12")


def loops():
    """Loops over slices of one tensor, written by hand."""
    for variant in ("eager", "program"):
        yield Figure(f"slices/4000-{variant}", ours(f"slices-4000/gradient-{variant}"), None, "<=3000", "us")
        yield Figure(f"slices/8000:1000-{variant}", ours(f"slices-8000/gradient-{variant}"),
                     ours(f"slices-1000/gradient-{variant}"), "<=12")
        yield Figure(f"rnn/1000:200-{variant}", ours(f"rnn-1000/gradient-{variant}"),
                     ours(f"rnn-200/gradient-{variant}"), "<=7")
    yield Figure("slices/8000:1000-compile", ours("slices-8000-compile/gradient"), ours("slices-1000-compile/gradient"),
                 "<=12")
    yield Figure("rnn/1000:200-compile", ours("rnn-1000-compile/gradient"), ours("rnn-200-compile/gradient"), "<=7")


def memory():
    model = "mlp-10000"
    yield Figure("memory/program", ours(f"{model}/program"), None, "<=60", "MiB", "memory", note="recording included")
    yield Figure("memory/program-replays", ours(f"{model}/program"), None, "<=", "MiB", "memory",
                 note="once it is compiled", extra={"peak": "later_kb"})
    yield Figure("memory/eager:torch", ours(f"{model}/eager"), torch(f"{model}/torch"), "<=0.6", "MiB", "memory")
    yield Figure("memory/torch", torch(f"{model}/torch"), None, "<=", "MiB", "memory")
    yield Figure("memory/hand", hand(f"{model}/hand"), None, "<=", "MiB", "memory")


def allocations():
    for name in ("mlp-1", "mlp-32", "mlp-1024", "cnn", "transformer"):
        for variant in ("eager", "program"):
            yield Figure(f"allocations/{name}-{variant}", ours(f"{name}/{variant}"), None, "<=0", "", "allocations")
    for name in ("chain", "lstm-2", "gmm-10"):
        for variant in ("eager", "program"):
            yield Figure(f"allocations/{name}-{variant}", ours(f"{name}/gradient-{variant}"), None, "<=0", "",
                         "allocations")
    for name in ("inference-1", "inference-256"):
        yield Figure(f"allocations/{name}", ours(f"{name}/predictor"), None, "<=0", "", "allocations")


def all_figures(has):
    """All figures; `has(name)` returns whether Wengert's program offers the workload."""
    for part in (mlp(), inference(), chain(), lstm(), models(has), elementwise(), sequences(), scaling(), loops(), threads(),
                 memory(), allocations()):
        yield from part


# Models in double precision, whose results may differ only by rounding.
doubles = ("lstm", "gmm", "nodes", "doubling")


def tolerance(model):
    return 1e-9 if model.startswith(doubles) else 2e-3

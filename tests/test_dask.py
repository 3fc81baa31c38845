"""Out of core and on a cluster: the same results, within the memory that is stated, with a worker lost on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import indexcalc
from indexcalc import Answer, IndexcalcError
from indexcalc.numeric.data import Random, sources
from indexcalc.numeric.engines import block_length

from .test_cli import run
from .test_corpus import ASKS, answered, close, inputs, reference

pytest.importorskip("dask.array")

HVP = "X: matrix(m, n); y: vector(m); w, v: vector(n); L = sum(log(1 + exp(-y .* (X*w)))); hvp(L, w, v)"
FACTORISATION = "T: matrix(m, n); U: matrix(m, k); V: matrix(n, k); L = norm2(T - U*V')^2; d L / d U"


def test_public_cases_give_the_reference_or_are_refused() -> None:
    refused = 0
    for ask in ASKS[::3]:
        answer = answered(ask.name)
        if isinstance(answer, Answer):
            values = inputs(ask.case, 0)
            try:
                result = answer.computation(values).run("dask", limit=10**4)
            except IndexcalcError as error:
                assert error.code == "E404"
                refused += 1
                continue
            close(result, reference(ask.case, "expected_np", values))
    assert refused < len(ASKS[::3]) / 4  # inverses and determinants


def test_blocks_of_every_result_are_small_enough() -> None:
    (answer,) = indexcalc.run(FACTORISATION)
    computation = answer.computation({"T": Random((300, 200)), "U": Random((300, 7)), "V": Random(None)})
    length = block_length(computation.program, computation.data.sizes, 1000)
    assert length == 31
    assert block_length(computation.program, computation.data.sizes, 10**9) == 300


MEASURED = """
import sys, threading, time
import numpy as np
import dask.array, distributed, indexcalc
from indexcalc.numeric.data import Random, sources
kind, file, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
(answer,) = indexcalc.run(kind)
n = np.load(file, mmap_mode="r").shape[0]
given = {**dict.fromkeys("ywvV", Random(None)), "U": Random((n, 8))}
computation = answer.computation({**given, **sources([f"X={file}", f"T={file}"])})
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before, peak, done = resident(), 0, False
def watch():
    global peak
    while not done:
        peak = max(peak, resident())
        time.sleep(0.002)
watcher = threading.Thread(target=watch)
watcher.start()
result = computation.run("dask", limit=limit)
done = True
watcher.join()
np.testing.assert_allclose(result, computation.run(), rtol=1e-9, atol=1e-9)
print(peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures memory as Linux tells it")
@pytest.mark.parametrize("kind", [HVP, FACTORISATION], ids=["hvp", "factorisation"])
def test_array_larger_than_the_limit_is_worked_on_within_it(kind: str, tmp_path: Path) -> None:
    n, limit = 5000, 100 * 10**6
    array = np.lib.format.open_memmap(tmp_path / "X.npy", mode="w+", dtype=np.float64, shape=(n, n))
    array[:] = np.random.default_rng(0).standard_normal((n, n)) / n**0.5
    array.flush()
    assert array.nbytes > 1.9 * limit
    command = [sys.executable, "-c", MEASURED, kind, str(tmp_path / "X.npy"), str(limit)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < limit


def test_cluster_that_loses_a_worker_gives_the_right_result(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    n = 2500
    np.save(tmp_path / "X.npy", np.random.default_rng(0).standard_normal((n, n)) / n**0.5)
    (answer,) = indexcalc.run(HVP)
    given = {**sources([f"X={tmp_path / 'X.npy'}"]), **dict.fromkeys("ywv", Random(None))}
    computation = answer.computation(given)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        first = next(iter(cluster.workers.values()))
        pid = first.pid
        killed: list[float] = []

        def kill() -> None:
            time.sleep(0.5)
            os.kill(pid, 9)
            killed.append(time.monotonic())

        killer = threading.Thread(target=kill)
        killer.start()
        result = computation.run("dask", limit=4 * 10**6, scheduler=cluster.scheduler_address)
        ended = time.monotonic()
        killer.join()
    assert killed[0] < ended  # on the way
    np.testing.assert_allclose(result, computation.run(), rtol=1e-9, atol=1e-12)


def test_result_has_to_fit() -> None:
    answer = indexcalc.diff("A*x", wrt="A", let=["A: matrix(m, n)"])
    computation = answer.computation({"A": Random((300, 40)), "x": Random(None)})
    with pytest.raises(IndexcalcError) as error:
        computation.admit(10**6, "dask")
    assert error.value.code == "E510"
    indexcalc.simplify("A*x").computation({"A": Random((300, 40)), "x": Random(None)}).admit(10**4, "dask")


def test_scheduler_that_is_not_there() -> None:
    pytest.importorskip("distributed")
    computation = indexcalc.simplify("x'*x").computation({"x": Random((3,))})
    with pytest.raises(IndexcalcError) as error:
        computation.run("dask", scheduler="tcp://127.0.0.1:9")
    assert error.value.code == "E110"


def test_zarr(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    values = np.random.default_rng(0).standard_normal((30, 20))
    zarr.create_array(str(tmp_path / "A.zarr"), data=values, chunks=(7, 7))
    given = {**sources([f"A={tmp_path / 'A.zarr'}"]), "x": Random(None)}
    computation = indexcalc.simplify("A*x", let=["A: matrix(m, n)"]).computation(given)
    np.testing.assert_allclose(computation.run("dask", limit=10**4), computation.run())
    np.testing.assert_allclose(computation.run(), values @ computation.arrays["x"])


def test_dask_on_the_command_line() -> None:
    done = run(
        "eval", "A*x", "--data", "A=random(30, 20)", "--data", "x=random", "--backend", "dask", "--memory", "1MB"
    )
    assert done.returncode == 0, done.stderr
    wrong = run("eval", "A*x", "--memory", "much")
    assert wrong.returncode == 2

"""Where the work of a training is done: on threads of this process, or on a Dask cluster (extra `scale`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder, OnnxEmbedder
from training.errors import TrainError

_RETRIES = 5
"""Times that a task is tried again on another worker after its worker was lost."""


class Spread(Protocol):
    """Applies a function to many items; results come as they are done, so that they can be kept at once."""

    def encode(
        self, embedder: Embedder, folder: Path | None, shards: Sequence[Sequence[str]]
    ) -> Generator[tuple[int, NDArray[np.float32]]]:
        """Yield (position, (n_texts, dimension) query vectors) of every shard; `folder` is the encoder's."""
        ...

    def map(self, function: Callable[[Any, Any], Any], common: Any, items: Sequence[Any]) -> Generator[tuple[int, Any]]:
        """Yield (position, function(common, item)) of every item."""
        ...


class Threads:
    """Threads of this process; onnxruntime and numpy let them run side by side."""

    def __init__(self, number: int = 0) -> None:
        self.number = number or available_cores()

    def encode(
        self, embedder: Embedder, folder: Path | None, shards: Sequence[Sequence[str]]
    ) -> Generator[tuple[int, NDArray[np.float32]]]:
        """Yield (position, vectors) of every shard; the encoder itself works on all cores."""
        for i, shard in enumerate(shards):
            yield i, embedder.encode(shard, kind="query")

    def map(self, function: Callable[[Any, Any], Any], common: Any, items: Sequence[Any]) -> Generator[tuple[int, Any]]:
        """Yield (position, function(common, item)) of every item; no more items are begun than threads can work on."""
        with ThreadPoolExecutor(self.number) as pool:
            ahead: dict[Any, int] = {}
            waiting = iter(enumerate(items))
            try:
                while True:
                    while len(ahead) < 2 * self.number and (one := next(waiting, None)) is not None:
                        ahead[pool.submit(function, common, one[1])] = one[0]
                    if not ahead:
                        return
                    for future in wait(ahead, return_when=FIRST_COMPLETED).done:
                        yield ahead.pop(future), future.result()
            finally:
                for future in ahead:
                    future.cancel()


class DaskSpread:
    """A Dask cluster; a worker that is lost loses only what it was doing, which another one does again.

    The encoder's files travel to the workers with a plug-in, so they need nothing but the installed program; a
    worker that joins later gets them too.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def encode(
        self, embedder: Embedder, folder: Path | None, shards: Sequence[Sequence[str]]
    ) -> Generator[tuple[int, NDArray[np.float32]]]:
        """Yield (position, vectors) of every shard."""
        if folder is None or not (folder / "encoder.json").is_file():
            raise TrainError("--engine dask 需要文件夹形式的 ONNX 编码器(encoder.onnx)")
        files = {f.name: f.read_bytes() for f in folder.iterdir() if f.suffix in {".onnx", ".json"}}
        self.client.register_plugin(_encoder_plugin(embedder.name, files))
        return self._collect([self._submit(_encode_there, embedder.name, list(s)) for s in shards])

    def map(self, function: Callable[[Any, Any], Any], common: Any, items: Sequence[Any]) -> Generator[tuple[int, Any]]:
        """Yield (position, function(common, item)) of every item; `common` is sent once and can be sent anew."""
        shared = self._submit(_itself, common)
        return self._collect([self._submit(function, shared, item) for item in items])

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.client.submit(function, *arguments, pure=False, retries=_RETRIES)

    @staticmethod
    def _collect(futures: Sequence[Any]) -> Generator[tuple[int, Any]]:
        from dask.distributed import as_completed

        place = {f.key: (i, f) for i, f in enumerate(futures)}
        try:
            for future in as_completed(list(futures)):
                yield place[future.key][0], future.result()
                place.pop(future.key)[1].release()
        finally:
            for _, future in place.values():
                future.cancel()


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def spread(engine: str = "local", *, scheduler: str = "", workers: int = 2, patience: float = 20) -> Iterator[Spread]:
    """Give the place where work is done: `local`, or `dask` (a local cluster, or the one of a `scheduler` address).

    `patience` is how many seconds the scheduler has to answer.

    Raises TrainError for another engine, without the extra, or when the scheduler cannot be reached.
    """
    if engine == "local":
        yield Threads()
        return
    if engine != "dask":
        raise TrainError(f"--engine 应为 local 或 dask,实为 {engine}")
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError as error:
        raise TrainError("--engine dask 需要附加依赖:pip install 'yousu[scale]'") from error
    cluster = None
    try:
        if not scheduler:
            folder = tempfile.mkdtemp(prefix="yousu-dask-")
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, local_directory=folder
            )
        client = Client(scheduler or cluster, timeout=patience)
    except (OSError, ValueError) as error:
        if cluster is not None:
            cluster.close()
        raise TrainError(f"连不上 Dask 调度器 {scheduler}({error})") from error
    try:
        yield DaskSpread(client)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


# -- what runs on a worker -------------------------------------------------------------------------------------

_THERE: dict[str, Embedder] = {}
"""Encoders of this worker process by name."""


def _encoder_plugin(name: str, files: dict[str, bytes]) -> Any:
    from dask.distributed import WorkerPlugin

    class EncoderPlugin(WorkerPlugin):
        """Puts the encoder on a worker."""

        def __init__(self) -> None:
            self.name = f"yousu-encoder-{name}"

        def setup(self, worker: Any) -> None:
            """Write the files into the worker's own folder."""
            from training.spread import place_encoder

            place_encoder(Path(worker.local_directory) / "yousu-encoder", name, files, worker.state.nthreads)

    return EncoderPlugin()


def place_encoder(folder: Path, name: str, files: dict[str, bytes], threads: int) -> None:
    """Write an encoder's files on this worker and load it; a task encodes on `threads` threads."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    embedder = OnnxEmbedder(folder, parallel=threads)
    _THERE[name] = embedder


def _encode_there(name: str, texts: list[str]) -> NDArray[np.float32]:
    return _THERE[name].encode(texts, kind="query")


def _itself(value: Any) -> Any:
    return value
